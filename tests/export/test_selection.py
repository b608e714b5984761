"""What is doubtful stays in the run file, and nothing that is missing becomes a number."""

from dataclasses import replace

import pytest

from bench.export.quantities import QUANTITIES, figure
from bench.export.selection import select
from bench.missing import ABSENT, Missing, known
from bench.record import CaseRecord, Latency, Noise, Quality
from bench.run import Run
from tests.export.conftest import EVALUATION, FAILED, NOISY, PLAIN, TRAINED, case_of, changed

TIMED = {quantity.key for quantity in QUANTITIES if quantity.timed}


def keys(run: Run, case_id: str) -> set[str]:
    return {point.quantity.key for point in select(run).points if point.case.case_id == case_id}


def reasons(run: Run, case_id: str) -> dict[str, str]:
    return {item.what: item.reason for item in select(run).left_out if item.case_id == case_id}


def test_a_quiet_case_gives_all_that_it_holds(example: Run) -> None:
    expected = {"latency", "latency_ratio", "throughput", "peak_memory", "params", "macs"}
    assert keys(example, PLAIN) == expected
    assert reasons(example, PLAIN) == {}
    (latency,) = (p.figure for p in select(example).points if p.case.case_id == PLAIN and p.quantity.key == "latency")
    assert (latency.value, latency.interval) == (0.006057, (0.005984, 0.006144))


@pytest.mark.parametrize("verdict", ["noisy", "invalid"])
def test_times_of_a_busy_machine_stay_and_counts_go(example: Run, verdict: str) -> None:
    noisy = changed(example, PLAIN, lambda case: replace(case, noise=Noise(verdict=verdict)))
    assert keys(noisy, PLAIN) == {"peak_memory", "params", "macs"}
    assert set(reasons(noisy, PLAIN)) == {"latency", "latency_ratio", "throughput"}
    assert verdict in reasons(noisy, PLAIN)["latency"]
    assert not keys(example, NOISY) & TIMED
    assert "noisy" in reasons(example, NOISY)["latency"]


def test_without_a_verdict_a_time_is_in_doubt(example: Run) -> None:
    assert keys(example, EVALUATION) == set()
    assert "no verdict" in reasons(example, EVALUATION)["evaluation"]


@pytest.mark.parametrize("status", ["failed", "invalid", "skipped"])
def test_a_case_without_a_result_gives_nothing_even_where_it_holds_figures(example: Run, status: str) -> None:
    broken = changed(example, PLAIN, lambda case: replace(case, status=status, reason="why"))
    assert keys(broken, PLAIN) == set()
    assert reasons(broken, PLAIN) == {"case": f"{status}: why"}
    assert "output parity" in reasons(example, FAILED)["case"]


def test_published_accuracies_are_not_measured(example: Run) -> None:
    assert {"miou", "r1_iou05"} <= keys(example, TRAINED)

    def publish(case: CaseRecord) -> CaseRecord:
        assert isinstance(case.quality, Quality)
        return replace(case, quality=replace(case.quality, source="paper"))

    assert not {"miou", "r1_iou05"} & keys(changed(example, TRAINED, publish), TRAINED)


def test_a_number_without_end_is_none(example: Run) -> None:
    def burst(case: CaseRecord) -> CaseRecord:
        assert isinstance(case.latency, Latency)
        return replace(case, latency=replace(case.latency, median=float("inf")))

    assert "latency" not in keys(changed(example, PLAIN, burst), PLAIN)
    assert figure(10**400) == Missing("not a finite number")
    assert figure(ABSENT) == ABSENT


@pytest.mark.parametrize("interval", [(2.0, 3.0), (0.0, 0.5), (0.0, float("inf")), Missing("few")])
def test_an_interval_that_is_none_is_left_out(interval: tuple[float, float] | Missing) -> None:
    found = figure(1.0, interval, (1.0, float("nan")))
    assert known(found) is not None
    assert not isinstance(found, Missing)
    assert (found.value, found.interval, found.samples) == (1.0, None, ())


def test_names_of_quantities_are_their_own() -> None:
    assert len({quantity.key for quantity in QUANTITIES}) == len(QUANTITIES)
    assert all("/" not in quantity.key for quantity in QUANTITIES)


def test_reasons_of_a_case_are_gathered(example: Run) -> None:
    kept = select(example).kept_back(case_of(example, NOISY))
    assert kept == "latency, latency_ratio: measured while the machine was noisy"
    assert select(example).kept_back(case_of(example, PLAIN)) is None
