"""Times of whole runs: what they are compared by, what twins tell, and what noise forbids."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench.compare.comparison import Comparison, compare
from bench.compare.finding import Finding
from bench.missing import Missing, known
from bench.record import CaseRecord, Reference
from bench.verdict import Verdict
from tests.verdict.runs import case, run, twins

TWINS = [*twins(0.01, 0.0101, 0.0099, name="x"), *twins(0.02, 0.0202, 0.0198, name="yy")]


def times(found: Comparison, figure: str = "latency") -> dict[str, Finding]:
    return {
        finding.case_id.partition("|")[0]: finding
        for finding in found.findings
        if finding.kind == "timing" and finding.figure == figure
    }


def many(count: int = 24, **changed: float) -> list[CaseRecord]:
    """Cases of different networks, some of them at other times than all others' 10 ms."""
    return [
        case(f"m{i}", params=1000 + i, seconds=changed.get(f"m{i}", 0.01), width=0.001) for i in range(count)
    ] + TWINS


def slower_machine(found: CaseRecord, factor: float) -> CaseRecord:
    """The case on a machine on which everything, the reference product too, takes so much longer."""
    again = case(found.model.name, found.workload.dataset, seconds=factor * 0.01, width=0.001)
    reference = known(again.reference)
    assert isinstance(reference, Reference)
    gemm_s = factor * reference.gemm_s
    ratios = known(reference.ratio_ci99)
    assert ratios is not None
    return replace(
        again,
        reference=replace(
            reference,
            gemm_s=gemm_s,
            gemm_ci99_s=(0.99 * gemm_s, 1.01 * gemm_s),
            gemm_macs_per_s=reference.gemm_macs_per_s / factor,
            floor_s=reference.floor_s * factor,
            ratio=reference.ratio / factor,
            ratio_ci99=(ratios[0] / factor, ratios[1] / factor),
        ),
    )


def test_one_case_in_many_that_is_slower_is_found() -> None:
    found = compare(run(*many()), run(*many(m3=0.0115)))
    slow = {name: finding for name, finding in times(found).items() if finding.verdict is not Verdict.SAME}
    assert list(slow) == ["m3"]
    assert slow["m3"].verdict is Verdict.SLOWER
    assert slow["m3"].change is not None
    assert slow["m3"].change.value == pytest.approx(1.15)
    assert (slow["m3"].base, slow["m3"].head) == pytest.approx((0.01, 0.0115))
    assert found.exit_code() == 3


def test_exchanged_it_is_faster_and_fine() -> None:
    found = compare(run(*many(m3=0.0115)), run(*many()))
    assert times(found)["m3"].verdict is Verdict.FASTER
    assert found.exit_code() == 0


def test_twins_that_are_far_apart_forbid_to_call_it() -> None:
    apart = [*twins(0.010, 0.012, 0.011, name="x"), *twins(0.020, 0.024, 0.021, name="yy")]
    base = [*many()[:24], *apart]
    head = [*many(m3=0.0115)[:24], *apart]
    found = compare(run(*base), run(*head))
    assert times(found)["m3"].verdict is Verdict.SAME
    (latency,) = found.resolutions
    assert latency.single > 0.3
    assert latency.base is not None
    assert latency.base.freedom == 4


def test_twins_are_one_network_whatever_they_are_called() -> None:
    # Seven names for one network, as a method that only trains it differently has another name.
    found = compare(run(*twins(*[0.01] * 7)), run(*twins(*[0.01] * 7)))
    (latency,) = found.resolutions
    assert latency.base is not None
    assert latency.base.freedom == 6


@pytest.mark.parametrize(
    "other",
    [
        {"params": 105},
        {"macs": 100_000_001},
        {"dataset": "charades-sta"},
        {"noise": "noisy"},
    ],
)
def test_what_differs_in_arithmetic_or_was_noisy_is_no_twin(other: dict[str, object]) -> None:
    strange = case("twin-4", **{"dataset": "tacos", "params": 104, **other})  # type: ignore[arg-type]
    found = compare(run(*twins(0.01, 0.01, 0.01, 0.01), strange), run(*twins(0.01, 0.01, 0.01, 0.01), strange))
    (latency,) = found.resolutions
    assert latency.base is not None
    assert latency.base.freedom == 3


def test_training_steps_of_one_network_at_inference_are_no_twins() -> None:
    steps = [case(f"s{i}", scenario="train_step") for i in range(5)]
    (step,) = compare(run(*steps), run(*steps)).resolutions
    assert (step.figure, step.base) == ("training step", None)


def test_seconds_do_not_count_but_the_ratio_to_the_reference() -> None:
    base = [case("m", seconds=0.01, width=0.001)]
    found = compare(run(*base), run(slower_machine(base[0], 1.5)))
    assert times(found)["m"].verdict is Verdict.SAME
    assert times(found)["m"].change is not None
    assert times(found)["m"].head == pytest.approx(0.015)


def test_twice_the_work_in_twice_the_time_is_slower() -> None:
    # The ratio to the floor is unchanged, for the floor is that of the case's own multiply-adds.
    base, head = case("m", seconds=0.01, macs=100), case("m", seconds=0.02, macs=200)
    ratios = [reference.ratio for one in (base, head) if (reference := known(one.reference))]
    assert ratios[0] == pytest.approx(ratios[1])
    found = times(compare(run(base), run(head)))["m"]
    assert found.verdict is Verdict.SLOWER
    assert found.change is not None
    assert found.change.value == pytest.approx(2)


@pytest.mark.parametrize(
    ("base", "head", "reason"),
    [("quiet", "noisy", "newly noisy"), ("noisy", "quiet", "the base was noisy"), ("noisy", "noisy", "both noisy")],
)
def test_noisy_rows_are_never_called(base: str, head: str, reason: str) -> None:
    before, after = case("m", noise=base), case("m", seconds=0.1, noise=head)  # type: ignore[arg-type]
    found = compare(run(before), run(after))
    assert times(found)["m"].verdict is Verdict.INCONCLUSIVE
    assert times(found)["m"].reason.startswith(reason)
    assert "drifted ×1.20" in times(found)["m"].reason
    assert found.exit_code() == 6
    assert found.exit_code(soft=True) == 0
    assert found.newly_noisy == ((before.case_id,) if reason == "newly noisy" else ())


def test_a_row_whose_noise_is_not_known_is_not_called() -> None:
    blind = replace(case("m", seconds=0.1), noise=Missing("not watched"))
    found = compare(run(replace(case("m"), noise=Missing("not watched"))), run(blind))
    assert times(found)["m"].verdict is Verdict.INCONCLUSIVE
    assert "not watched" in times(found)["m"].reason


def test_noisy_rows_do_not_decide_what_all_cases_have_in_common() -> None:
    loud = [case(one.model.name, seconds=0.02, noise="noisy") for one in many(6)[:6]]
    found = compare(run(*many()), run(*loud, *many()[6:]))
    assert found.resolutions[0].shared == pytest.approx(0.0)
    assert found.resolutions[0].cases == 24


def test_the_same_measurement_twice_is_the_same_however_noisy() -> None:
    loud = run(case("m", noise="noisy", width=0.5))
    assert compare(loud, loud).verdict is Verdict.SAME


def test_throughput_is_compared_at_one_batch_size() -> None:
    # The best rates are at sizes that the other run has not, and the knees are 4 and 8.
    base = case("m", throughput={1: 100.0, 4: 290.0, 8: 300.0})
    head = case("m", throughput={1: 100.0, 8: 150.0, 4: 100.0, 64: 160.0})
    found = times(compare(run(base), run(head)), "time per query at the knee")["m"]
    assert (found.base, found.head) == pytest.approx((1 / 300, 1 / 150))
    assert found.verdict is Verdict.SLOWER


def test_throughput_without_a_common_batch_size_is_not_compared() -> None:
    found = compare(run(case("m", throughput={1: 100.0})), run(case("m", throughput={2: 100.0})))
    assert times(found, "time per query at the knee") == {}


def test_a_shared_change_is_printed_and_not_called() -> None:
    moved = [case(f"m{i}", params=1000 + i, seconds=0.0112, width=0.001) for i in range(24)]
    again = [*twins(0.0112, 0.0113, 0.0111, name="x"), *twins(0.0224, 0.0226, 0.0222, name="yy")]
    found = compare(run(*many()), run(*moved, *again))
    assert found.verdict is Verdict.SAME
    assert found.resolutions[0].shared == pytest.approx(math.log(1.12), abs=1e-3)
