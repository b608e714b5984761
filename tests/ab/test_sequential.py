"""What rounds of log ratios say: hand-computed intervals, Holm by hand, error rates by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from bench.ab.sequential import Estimate, Plan, estimate, holm, verdicts
from bench.verdict import Verdict


def test_looks_grow_and_end_at_the_last_round() -> None:
    assert Plan(max_rounds=16).looks == (4, 6, 8, 11, 16)
    assert Plan(max_rounds=4).looks == (4,)


def test_an_interval_is_students_on_the_rounds() -> None:
    logs = [0.01, 0.03, 0.02, 0.04]
    plan = Plan(alpha=0.04, max_rounds=4)
    found = estimate(logs, plan)
    error = np.std(logs, ddof=1) / 2
    reach = student.isf(0.02, 3) * error
    assert found.ratio == pytest.approx(math.exp(0.025))
    assert (found.low, found.high) == pytest.approx((math.exp(0.025 - reach), math.exp(0.025 + reach)))
    assert found.p == pytest.approx(2 * student.sf(0.025 / error, 3))


def test_p_is_paid_for_every_look_and_never_rises() -> None:
    logs = [0.01, 0.03, 0.02, 0.04]
    once, often = estimate(logs, Plan(max_rounds=4)), estimate(logs, Plan(max_rounds=16))
    assert often.p == pytest.approx(min(1, 5 * once.p))
    assert estimate(logs, Plan(max_rounds=4), earlier_p=1e-9).p == 1e-9


def test_holm_by_hand() -> None:
    # 0.01 <= 0.05 / 4, 0.0166 <= 0.05 / 3, 0.03 > 0.05 / 2: the last two stand.
    assert holm({"a": 0.0166, "b": 0.01, "c": 0.03, "d": 0.9}, 0.05) == {"a", "b"}
    assert holm({}, 0.05) == frozenset()


@pytest.mark.parametrize(
    ("ratio", "p", "same", "verdict"),
    [
        (1.05, 1e-6, False, Verdict.SLOWER),
        (0.95, 1e-6, False, Verdict.FASTER),
        (1.01, 1e-6, True, Verdict.SAME),
        (1.01, 1e-6, False, Verdict.INCONCLUSIVE),
        (1.05, 0.2, False, Verdict.INCONCLUSIVE),
        (1.0, 0.9, True, Verdict.SAME),
    ],
)
def test_a_difference_must_be_certain_and_large(ratio: float, p: float, same: bool, verdict: Verdict) -> None:
    found = Estimate(8, ratio, ratio, ratio, p, same, 0.01)
    assert verdicts({"a": found}, Plan()) == {"a": verdict}


@pytest.mark.parametrize("logs", [[], [0.1], [0.1, math.nan]])
def test_too_little_is_refused(logs: list[float]) -> None:
    with pytest.raises(ValueError, match="at least two rounds"):
        estimate(logs, Plan())


def _answer(shifts: list[float], sd: float, plan: Plan, rng: np.random.Generator) -> list[Verdict]:
    """Verdicts at the end of a whole session with looks, cases measured until they are decided."""
    logs = np.array(shifts)[:, None] + rng.normal(0, sd, (len(shifts), plan.max_rounds))
    p, found = [1.0] * len(shifts), {}
    for look in plan.looks:
        found = {str(i): estimate(logs[i, :look], plan, p[i]) for i in range(len(shifts))}
        p = [found[str(i)].p for i in range(len(shifts))]
        answers = verdicts(found, plan)
        if Verdict.INCONCLUSIVE not in answers.values():
            break
    return list(verdicts(found, plan).values())


def test_families_without_a_difference_raise_few_alarms() -> None:
    # Without a minimum effect the guarantee is all there is: 1000 families of 5, at most 1 % alarm.
    rng, plan = np.random.default_rng(0), Plan(min_effect=1e-9, alpha=0.05, max_rounds=8)
    alarms = sum(
        any(v in (Verdict.SLOWER, Verdict.FASTER) for v in _answer([0.0] * 5, 0.01, plan, rng)) for _ in range(1000)
    )
    assert alarms <= 50


def test_a_slowdown_of_three_percent_is_found_and_never_called_the_same() -> None:
    rng, plan = np.random.default_rng(1), Plan()
    answers = [_answer([math.log(1.03)], 0.006, plan, rng)[0] for _ in range(300)]
    assert answers.count(Verdict.SLOWER) >= 285
    assert answers.count(Verdict.SAME) <= 6


def test_what_is_as_slow_as_the_minimum_effect_is_seldom_called_the_same() -> None:
    rng, plan = np.random.default_rng(2), Plan()
    answers = [_answer([math.log(1.02)], 0.01, plan, rng)[0] for _ in range(400)]
    assert answers.count(Verdict.SAME) <= 20
