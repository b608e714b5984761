"""Counted figures: no tolerance, and a direction only where one means something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.compare.comparison import compare
from bench.missing import Missing, known
from bench.record import CaseRecord, Memory
from bench.verdict import Verdict
from tests.verdict.runs import MACS, case, run


def verdicts(base: CaseRecord, head: CaseRecord) -> dict[str, Verdict]:
    found = compare(run(base), run(head)).findings
    return {finding.figure: finding.verdict for finding in found if finding.verdict is not Verdict.SAME}


def test_one_parameter_more_is_worse() -> None:
    found = verdicts(case(params=1_000_000), case(params=1_000_001))
    assert found["parameters"] is Verdict.WORSE
    assert found["bytes of weights"] is Verdict.WORSE
    assert found["tensor peak"] is Verdict.WORSE
    assert found["trainable parameters"] is Verdict.CHANGED
    assert compare(run(case(params=1_000_000)), run(case(params=1_000_001))).exit_code() == 3


def test_fewer_parameters_are_better_and_no_failure() -> None:
    found = compare(run(case(params=1_000_001)), run(case(params=1_000_000)))
    assert found.verdict is Verdict.CHANGED
    assert {finding.verdict for finding in found.findings} == {Verdict.SAME, Verdict.BETTER, Verdict.CHANGED}
    assert found.exit_code() == 0


def test_one_multiply_add_more_is_worse_in_its_stage_too() -> None:
    base = case(stages={"encode": MACS - 10, "decode": 10})
    found = verdicts(base, case(macs=MACS + 1, stages={"encode": MACS - 10, "decode": 11}))
    assert {figure for figure, verdict in found.items() if verdict is Verdict.WORSE} == {"MACs", "MACs of decode"}


def test_multiply_adds_that_moved_between_stages_changed() -> None:
    base = case(stages={"encode": MACS - 10, "decode": 10})
    assert verdicts(base, case(stages={"encode": MACS - 11, "decode": 11})) == {
        "MACs of encode": Verdict.CHANGED,
        "MACs of decode": Verdict.CHANGED,
    }
    assert verdicts(base, case(stages={"encode": MACS - 10, "rank": 10})) == {
        "MACs of decode": Verdict.CHANGED,
        "MACs of rank": Verdict.CHANGED,
    }


def test_less_coverage_is_worse_and_names_the_operators() -> None:
    found = compare(run(case(costed=100)), run(case(costed=99))).findings
    (uncounted,) = (finding for finding in found if finding.figure == "operators without a cost")
    assert (uncounted.base, uncounted.head, uncounted.verdict) == ("none", "aten.sort", Verdict.CHANGED)
    assert verdicts(case(costed=100), case(costed=99))["coverage"] is Verdict.WORSE
    assert verdicts(case(costed=99), case(costed=100))["coverage"] is Verdict.BETTER


@pytest.mark.parametrize(("bytes_more", "expected"), [(1, Verdict.WORSE), (-1, Verdict.BETTER)])
def test_tensor_peaks_have_no_tolerance(bytes_more: int, expected: Verdict) -> None:
    base = case()
    memory = known(base.memory)
    assert isinstance(memory, Memory)
    head = replace(base, memory=replace(memory, activation_peak_bytes=memory.activation_peak_bytes + bytes_more))
    assert verdicts(base, head) == {"activation peak": expected}


def test_another_configuration_is_named() -> None:
    base = case()
    head = replace(base, model=replace(base.model, config_hash="another"))
    assert verdicts(base, head) == {"hash of the configuration": Verdict.CHANGED}


def test_a_figure_that_is_gone_is_lost_and_one_that_came_is_gained() -> None:
    base = case()
    compute = known(base.compute)
    assert compute is not None
    without = replace(base, compute=replace(compute, flops_norm=Missing("not counted")))
    assert verdicts(base, without) == {"FLOPs of norms": Verdict.LOST}
    assert verdicts(without, base) == {"FLOPs of norms": Verdict.GAINED}
    assert compare(run(base), run(without)).exit_code() == 4
    assert compare(run(without), run(base)).exit_code() == 0
