"""When a time is called slower, faster, the same, or cannot be told."""

from __future__ import annotations

import math

import pytest

from bench.compare.judging import FEWEST_CASES, MACHINES, SESSIONS, Resolution, common, judge, scatter
from bench.compare.spread import Spread
from bench.verdict import Verdict

MIN_EFFECT = math.log1p(0.02)
QUIET = Spread(variance=0.004**2, freedom=30)


def session(
    *,
    twins: Spread | None = QUIET,
    shared: float | None = 0.0,
    scattered: float | None = 0.004,
    cases: int = 40,
    across_machines: bool = False,
) -> Resolution:
    return Resolution("latency", cases, cases, twins, twins, shared, scattered, across_machines)


def verdict(change: float, half_width: float, can: Resolution) -> Verdict:
    return judge(change, (change - half_width, change + half_width), can, MIN_EFFECT)[0]


def test_a_quiet_machine_tells_five_percent_from_nothing() -> None:
    can = session()
    assert MIN_EFFECT < can.single < 0.04
    assert verdict(0.05, 0.001, can) is Verdict.SLOWER
    assert verdict(-0.05, 0.001, can) is Verdict.FASTER
    assert verdict(0.01, 0.001, can) is Verdict.SAME


def test_nothing_below_the_resolution_is_called() -> None:
    can = session()
    assert verdict(0.99 * can.single, 0.0, can) is not Verdict.SLOWER
    assert verdict(1.01 * can.single, 0.0, can) is Verdict.SLOWER


def test_nothing_below_the_minimum_effect_is_called() -> None:
    can = session(twins=Spread(1e-10, 30), scattered=0.0)
    assert can.single < 1e-3
    assert verdict(0.99 * MIN_EFFECT, 0.0, can) is Verdict.SAME
    assert verdict(1.01 * MIN_EFFECT, 0.0, can) is Verdict.SLOWER


def test_a_wide_interval_cannot_tell() -> None:
    assert verdict(0.05, 0.1, session()) is Verdict.INCONCLUSIVE
    assert verdict(0.0, 0.1, session()) is Verdict.INCONCLUSIVE


def test_the_wide_side_of_an_interval_counts_on_both() -> None:
    can = session()
    assert judge(0.05, (0.049, 0.051), can, MIN_EFFECT)[0] is Verdict.SLOWER
    assert judge(0.05, (0.049, 0.3), can, MIN_EFFECT)[0] is Verdict.INCONCLUSIVE


def test_what_all_cases_share_is_the_machines() -> None:
    can = session(shared=0.1)
    assert verdict(0.1, 0.001, can) is Verdict.SAME
    assert verdict(0.2, 0.001, can) is Verdict.SLOWER
    # This one alone did not follow the others: itself it is as fast as before.
    assert verdict(0.0, 0.001, can) is Verdict.INCONCLUSIVE


def test_a_case_is_called_only_in_the_direction_in_which_it_moved() -> None:
    assert verdict(-0.05, 0.001, session(shared=-0.15)) is Verdict.INCONCLUSIVE
    assert verdict(0.05, 0.001, session(shared=-0.15)) is Verdict.SLOWER


def test_all_cases_slower_than_sessions_ever_were_are_slower() -> None:
    assert verdict(0.3, 0.001, session(shared=0.3)) is Verdict.SLOWER
    assert verdict(-0.3, 0.001, session(shared=-0.3)) is Verdict.FASTER


@pytest.mark.parametrize("twins", [None, QUIET])
def test_few_cases_are_granted_all_that_sessions_differ_by(twins: Spread | None) -> None:
    can = session(twins=twins, shared=None, scattered=None, cases=FEWEST_CASES - 1)
    assert verdict(0.15, 0.001, can) is Verdict.SAME
    assert verdict(0.25, 0.001, can) is Verdict.SLOWER
    assert verdict(0.15, 0.1, can) is Verdict.INCONCLUSIVE


def test_cases_that_scatter_more_than_twins_blunt_the_verdict() -> None:
    assert verdict(0.1, 0.001, session(scattered=0.004)) is Verdict.SLOWER
    blunt = session(scattered=0.03)
    assert verdict(0.1, 0.001, blunt) is Verdict.SAME
    assert verdict(0.3, 0.001, blunt) is Verdict.SLOWER


def test_a_session_that_could_call_nothing_does_not_call_it_the_same() -> None:
    wild = session(scattered=0.3)
    assert verdict(0.5, 0.001, wild) is Verdict.INCONCLUSIVE
    assert verdict(0.1, 0.001, wild) is Verdict.SAME


def test_without_an_interval_twins_decide_or_nothing_does() -> None:
    assert judge(0.2, None, session(), MIN_EFFECT)[0] is Verdict.SLOWER
    assert judge(0.0, None, session(), MIN_EFFECT)[0] is Verdict.SAME
    assert judge(0.0, None, session(twins=None), MIN_EFFECT)[0] is Verdict.INCONCLUSIVE


def test_between_machines_only_what_moves_against_the_others_is_called() -> None:
    can = session(shared=1.0, across_machines=True)
    assert verdict(1.0, 0.001, can) is Verdict.SAME
    assert verdict(1.0 + 2 * MACHINES, 0.001, can) is Verdict.SLOWER
    assert verdict(1.0 - 2 * MACHINES, 0.001, can) is Verdict.INCONCLUSIVE
    alone = session(shared=None, scattered=None, across_machines=True, cases=2)
    assert verdict(SESSIONS, 0.001, alone) is Verdict.SAME
    assert verdict(1.2 * MACHINES, 0.001, alone) is Verdict.SLOWER


@pytest.mark.parametrize("change", [-0.3, -0.05, -0.01, 0.0, 0.01, 0.05, 0.3])
@pytest.mark.parametrize("shared", [None, -0.2, 0.0, 0.1])
@pytest.mark.parametrize("width", [0.0, 0.05])
def test_exchanging_base_and_head_mirrors_the_verdict(change: float, shared: float | None, width: float) -> None:
    forth = judge(change, (change - width, change + width / 2), session(shared=shared), MIN_EFFECT)
    mirrored = None if shared is None else -shared
    back = judge(-change, (-change - width / 2, -change + width), session(shared=mirrored), MIN_EFFECT)
    assert back[0] is forth[0].mirrored
    if change:
        assert back[1].called_from == pytest.approx(1 / (forth[1].called_from or math.nan))


def test_what_is_called_lies_beyond_what_is_printed() -> None:
    for change in (0.02, 0.03, 0.05, 0.3):
        found, told = judge(change, (change - 0.01, change + 0.01), session(shared=0.01), MIN_EFFECT)
        assert told.called_from is not None
        assert (found is Verdict.SLOWER) == (told.value > told.called_from)


def test_common_and_scatter_need_enough_cases_and_ignore_a_few() -> None:
    assert common([0.1] * 4) is None
    assert common([0.1, 0.1, 0.1, 0.1, 9.0]) == pytest.approx(0.1)
    assert scatter([0.1] * 19) is None
    # Deviations from the median 0: half of them 1, so their median is 1, and a normal's is 0.6745 deviations.
    assert scatter([-1.0, 1.0] * 9 + [0.0] * 2 + [50.0, -50.0]) == pytest.approx(1 / 0.6744897501960817)
