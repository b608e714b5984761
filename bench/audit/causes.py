"""Why a printed figure is not the cost of inference: what the counts say, one cause a line."""

from __future__ import annotations

from collections.abc import Iterator

from bench.audit.record import Cause, Counts, Hypothesis, Why
from bench.missing import Missing, known
from bench.published.efficiency import Figure
from bench.record import Crosscheck

_WORTH_NAMING_PCT = 0.5
_NO_SHARE = Missing("no share of the pass")


def causes(
    printed: Figure, params: int, hypothesis: Hypothesis, counts: Counts, answer: Crosscheck | Missing
) -> tuple[Cause, ...]:
    """All that apply; shares below half a percent are not worth a word."""
    return tuple(_causes(printed, params, hypothesis, counts, answer))


def _causes(
    printed: Figure, params: int, hypothesis: Hypothesis, counts: Counts, answer: Crosscheck | Missing
) -> Iterator[Cause]:
    if hypothesis.counter == "tensorflow":
        yield Cause(why="training", share_pct=_NO_SHARE, what=f"{printed.value / params:.1f} FLOPs a parameter")
    elif "flop" in printed.called.lower():
        yield Cause(why="macs called FLOPs", share_pct=_NO_SHARE, what=hypothesis.counter)
    exact, needed = counts.same_pass, counts.needed
    if not isinstance(exact, Missing) and not isinstance(answer, Missing):
        for operator, macs in (known(answer.explained_macs) or {}).items():
            yield from _share("unseen by the counter", macs, exact, operator)
        yield from _share(
            "dropped by the trace", known(answer.unexplained_macs) or 0, exact, "nothing reads the result"
        )
    if not isinstance(exact, Missing) and not isinstance(needed, Missing):
        yield from _share("waste", exact - needed, exact, hypothesis.waste)
    clips, stated = hypothesis.inputs.clips, counts.stated.clips
    if clips < stated:
        yield Cause(why="short video", share_pct=_NO_SHARE, what=f"{clips} clips of {stated}")


def _share(why: Why, macs: int, exact: int, what: str) -> Iterator[Cause]:
    if 100 * macs / exact >= _WORTH_NAMING_PCT:
        yield Cause(why=why, share_pct=100 * macs / exact, what=what)
