"""OpenMetrics text."""

import re

import pytest

from bench.run import Run
from tests.export.conftest import FAILED, NOISY, PLAIN, ROOT, rendered
from tests.export.openmetrics import Family, parse


def by_case(family: Family) -> dict[str, float]:
    return {dict(labels)["case_id"]: value for labels, value in family.samples.items()}


def info(family: Family, case_id: str) -> dict[str, str]:
    return next(dict(labels) for labels in family.samples if dict(labels)["case_id"] == case_id)


def test_a_quantity_is_a_gauge_in_base_units_with_its_interval(example: Run) -> None:
    found = parse(rendered("openmetrics", example).files["."])
    assert found["emtm_latency_seconds"].unit == "seconds"
    assert by_case(found["emtm_latency_seconds"])[PLAIN] == 0.006057
    assert by_case(found["emtm_latency_low_seconds"])[PLAIN] == 0.005984
    assert by_case(found["emtm_latency_high_seconds"])[PLAIN] == 0.006144
    assert by_case(found["emtm_macs"])[PLAIN] == 52300000
    assert list(found["emtm_run_start_time_seconds"].samples.values()) == [1795374000]


def test_doubtful_and_failed_cases_have_a_state_and_no_value(example: Run) -> None:
    found = parse(rendered("openmetrics", example).files["."])
    assert NOISY not in by_case(found["emtm_latency_seconds"])
    assert NOISY in by_case(found["emtm_macs"])
    assert info(found["emtm_case_info"], NOISY)["left_out"].endswith("noisy")
    assert info(found["emtm_case_info"], FAILED)["status"] == "failed"
    assert "output parity" in info(found["emtm_case_info"], FAILED)["reason"]
    assert not any(FAILED in by_case(family) for name, family in found.items() if not re.search("run|info", name))
    assert set(found["emtm_case_info"].samples.values()) == {1}


def test_the_dirt_of_a_checkout_is_said(example: Run) -> None:
    (labels,) = parse(rendered("openmetrics", example).files["."])["emtm_run_info"].samples
    assert dict(labels)["dirty"] == "yes"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# TYPE a gauge\na 1\n",
        "# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
        "# TYPE a gauge\na 1\na 2\n# EOF\n",
        '# TYPE a gauge\na{b="\\x"} 1\n# EOF\n',
        "# TYPE a gauge\nb 1\n# EOF\n",
        "# TYPE a gauge\na NaN!\n# EOF\n",
    ],
)
def test_the_reader_of_these_tests_is_strict(text: str) -> None:
    with pytest.raises(ValueError, match=r"exposition|unit|twice|among|neither"):
        parse(text)


def test_rules_in_the_documents_name_metrics_that_exist(example: Run) -> None:
    names = set(parse(rendered("openmetrics", example).files["."]))
    used = re.findall(r"\bemtm_[a-z_]+\b", (ROOT / "docs/export.md").read_text("utf-8"))
    assert used
    assert set(used) <= names
