"""The answer: who keeps to the budget, how surely, and what each limit costs in accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.choose.budget import KINDS, Fit, Limit, worst
from bench.choose.candidates import Candidate, Place, candidates
from bench.missing import Missing
from bench.report.content.cases import joined
from bench.report.content.query_cost import Cost
from bench.report.content.seeds import Trained
from bench.run import Run
from emtm.metrics.published import Published


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate, what it costs, and whether it keeps to each limit."""

    candidate: Candidate
    costs: Mapping[str, Cost | Missing]
    """By key of the kind."""
    fits: Mapping[str, Fit]
    """By key of the kind; of the limited kinds."""

    @property
    def fit(self) -> Fit:
        """To the whole budget."""
        return worst(list(self.fits.values()))

    @property
    def measured(self) -> bool:
        """Was the accuracy measured with these weights?"""
        return isinstance(self.candidate.accuracy, Trained)

    @property
    def published(self) -> Published | None:
        """The accuracy of others that stands in."""
        return self.candidate.accuracy if isinstance(self.candidate.accuracy, Published) else None


@dataclass(frozen=True, slots=True)
class Price:
    """What a limit keeps out: the best that would fit without it, where that is better than what fits with it."""

    limit: Limit
    without: Judged
    best: Judged | None
    """Within all limits; None where nothing is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Everything that was judged, best first."""

    runs: tuple[Run, ...]
    place: Place
    queries_per_video: float
    limits: tuple[Limit, ...]
    judged: tuple[Judged, ...]

    @property
    def title(self) -> str:
        """The dataset, marked where its videos are generated."""
        found = (one.candidate.accuracy for one in self.judged)
        return next((a.scope.title for a in found if isinstance(a, Trained)), self.place.dataset)

    def among(self, *, measured: bool) -> list[Judged]:
        """Those with a measured accuracy, or those with a published one: the two are never mixed."""
        return [one for one in self.judged if (one.measured if measured else one.published is not None)]

    @property
    def within(self) -> list[Judged]:
        """Those that fit or may fit."""
        return [one for one in self.judged if _within(one.fit)]

    def prices(self, *, measured: bool) -> list[Price]:
        """Of the limits that keep something better out."""
        found, pool = [], self.among(measured=measured)
        best = next((one for one in pool if _within(one.fit)), None)
        for limit in self.limits:
            rest = (one for one in pool if _within(worst([f for k, f in one.fits.items() if k != limit.kind.key])))
            without = next(rest, None)
            if without is not None and without is not best:
                found.append(Price(limit, without, best))
        return found


def _within(fit: Fit) -> bool:
    return fit in (Fit.SURE, Fit.MAYBE)


def choose(runs: Sequence[Run], place: Place, limits: Sequence[Limit], queries_per_video: float) -> Choice:
    """All candidates of a place under limits; raises UserError where there is none, or a case stands in two runs."""
    judged = []
    for candidate in candidates(joined(runs), place):
        costs = {kind.key: kind.read(candidate.cases, queries_per_video) for kind in KINDS}
        fits = {limit.kind.key: limit.fit(costs[limit.kind.key]) for limit in limits}
        judged.append(Judged(candidate, costs, fits))
    return Choice(tuple(runs), place, queries_per_video, tuple(limits), tuple(judged))
