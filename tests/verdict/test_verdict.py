"""The vocabulary of verdicts and the exit code that many of them make."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.verdict import Verdict, exit_code, heaviest
from emtm.errors import ExitCode

ALONE = {
    Verdict.SAME: 0,
    Verdict.FASTER: 0,
    Verdict.BETTER: 0,
    Verdict.CHANGED: 0,
    Verdict.NEWLY_PASSING: 0,
    Verdict.GAINED: 0,
    Verdict.SLOWER: 3,
    Verdict.WORSE: 3,
    Verdict.MISSING: 4,
    Verdict.EXTRA: 4,
    Verdict.NEWLY_FAILING: 4,
    Verdict.LOST: 4,
    Verdict.REDEFINED: 4,
    Verdict.REFUSED: 5,
    Verdict.INCONCLUSIVE: 6,
}


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_alone(verdict: Verdict) -> None:
    assert exit_code([verdict]) == ALONE[verdict]


def test_nothing_compared_is_fine() -> None:
    assert exit_code([]) == ExitCode.FINE


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict.INCONCLUSIVE, Verdict.REFUSED, Verdict.MISSING, Verdict.SLOWER], 3),
        ([Verdict.INCONCLUSIVE, Verdict.REFUSED, Verdict.MISSING], 4),
        ([Verdict.INCONCLUSIVE, Verdict.REFUSED, Verdict.FASTER], 5),
        ([Verdict.INCONCLUSIVE, Verdict.SAME], 6),
    ],
)
def test_what_is_certain_outranks_what_is_not(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(verdicts) == code


def test_soft_forgives_what_could_not_be_told_and_nothing_else() -> None:
    assert exit_code([Verdict.REFUSED, Verdict.INCONCLUSIVE], soft=True) == 0
    assert exit_code([Verdict.REFUSED, Verdict.WORSE], soft=True) == 3
    assert exit_code([Verdict.INCONCLUSIVE, Verdict.LOST], soft=True) == 4


@given(st.lists(st.sampled_from(Verdict)))
def test_order_and_repetition_do_not_matter(verdicts: list[Verdict]) -> None:
    assert exit_code(verdicts) == exit_code([*reversed(verdicts), *verdicts])
    assert exit_code(verdicts) in {verdict.exit_code for verdict in verdicts} | {ExitCode.FINE}


@pytest.mark.parametrize("verdict", Verdict)
def test_a_mirror_image_mirrors_back(verdict: Verdict) -> None:
    assert verdict.mirrored.mirrored is verdict
    assert (verdict.mirrored is verdict) == (
        verdict in (Verdict.SAME, Verdict.CHANGED, Verdict.REDEFINED, Verdict.INCONCLUSIVE, Verdict.REFUSED)
    )


@given(st.lists(st.sampled_from(Verdict)))
def test_the_heaviest_verdict_decides_the_exit_code(verdicts: list[Verdict]) -> None:
    assert heaviest(verdicts).exit_code == exit_code(verdicts)


def test_the_heaviest_of_none_is_the_same() -> None:
    assert heaviest([]) is Verdict.SAME
    assert heaviest([Verdict.SAME, Verdict.FASTER, Verdict.CHANGED]) is Verdict.CHANGED
