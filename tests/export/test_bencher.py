"""Bencher's metric format."""

import json
from dataclasses import replace

import pytest

from bench.export.bencher import benchmark_name
from bench.run import Run
from emtm.errors import UserError
from tests.export.conftest import FAILED, NOISY, PLAIN, TRAINED, rendered


def test_a_case_is_a_benchmark_with_its_measures(example: Run) -> None:
    found = json.loads(rendered("bencher", example).files["."])
    latency = found[PLAIN.replace("|", "/")]["latency"]
    assert latency["value"] == pytest.approx(6.057e6)
    assert (latency["lower_value"], latency["upper_value"]) == pytest.approx((5.984e6, 6.144e6))
    assert set(found[PLAIN.replace("|", "/")]) == {
        *("latency", "latency-ratio", "throughput", "peak-memory-bytes", "params", "macs")
    }
    assert found[TRAINED.replace("|", "/")]["miou-pct"]["value"] > 0
    assert set(found[NOISY.replace("|", "/")]) == {"peak-memory-bytes", "params", "macs"}
    assert FAILED.replace("|", "/") not in found


@pytest.mark.parametrize(
    ("case_id", "name"),
    [
        ("x_bencher_ignore", "x_bencher_ignor%65"),
        ("x|y-bencher-ignore", "x/y-bencher-ignor%65"),
        ("BencherIgnore", "BencherIgnor%65"),
        ("BencherIgnore|x", "BencherIgnore/x"),
        ("0123abcd-0123-0123-0123-0123456789ab", "0123abcd-0123-0123-0123-0123456789a%62"),
        (" a ", "%20a%20"),
    ],
)
def test_names_that_mean_something_to_bencher_are_escaped(case_id: str, name: str) -> None:
    assert benchmark_name(case_id) == name


def test_long_names_are_cut_and_stay_apart() -> None:
    names = {benchmark_name("模" * 600 + end) for end in "ab"}
    assert len(names) == 2
    assert all(len(name.encode()) <= 1024 for name in names)


def test_a_run_without_figures_is_refused(example: Run) -> None:
    with pytest.raises(UserError, match="holds no figure"):
        rendered("bencher", replace(example, cases=()))
