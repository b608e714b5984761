"""JUnit XML."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from bench.run import Run
from emtm.errors import UserError
from tests.export.conftest import EVALUATION, FAILED, NOISY, ONE_OF_EACH, PLAIN, TRAINED, changed, rendered


def cases(text: str) -> dict[str, ET.Element]:
    return {str(case.get("name")): case for case in ET.fromstring(text).iter("testcase")}


def end(case: ET.Element) -> tuple[str, str] | None:
    found = [(child.tag, str(child.get("message"))) for child in case if child.tag != "properties"]
    assert len(found) <= 1
    return found[0] if found else None


def test_one_test_case_a_case_with_its_end(example: Run) -> None:
    statuses = changed(example, TRAINED, lambda case: replace(case, status="invalid", reason="NaN in <spans>"))
    found = cases(rendered("junit", statuses).files["."])
    assert list(found) == [case_id for case_id in (c.case_id for c in example.cases) if case_id in ONE_OF_EACH]
    assert end(found[PLAIN]) is None
    assert end(found[FAILED]) == ("error", "failed: output parity against eager fp32 failed: max deviation 0.31")
    assert end(found[TRAINED]) == ("failure", "invalid: NaN in <spans>")
    assert end(found[NOISY]) == ("skipped", "latency, latency_ratio: measured while the machine was noisy")
    assert end(found[EVALUATION])[0] == "skipped"  # type: ignore[index]


def test_counts_are_those_of_the_cases(example: Run) -> None:
    suites = ET.fromstring(rendered("junit", example).files["."])
    for element in (suites, suites[0]):
        assert {key: element.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
            "tests": "6",
            "failures": "0",
            "errors": "1",
            "skipped": "2",
        }


def test_a_case_says_its_figures(example: Run) -> None:
    found = cases(rendered("junit", example).files["."])
    values = {p.get("name"): p.get("value") for p in found[PLAIN].iter("property")}
    assert (values["latency_s"], values["macs"]) == ("0.006057", "52300000")
    assert found[PLAIN].get("time") == "0.006057000"
    assert found[NOISY].get("time") is None


def test_a_run_without_cases_is_refused(example: Run) -> None:
    with pytest.raises(UserError, match="holds no case"):
        rendered("junit", replace(example, cases=()))
