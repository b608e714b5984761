"""Accuracies: compared in percent points, paired by query where both runs keep the queries apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.compare.finding import Change, Finding
from bench.compare.pairing import Pair
from bench.compare.spread import Spread, difference, reach, spread, widening
from bench.missing import known
from bench.record import CaseRecord, Interval, Quality, QueryScores
from bench.verdict import Verdict
from emtm.metrics.bootstrap import cluster_interval
from emtm.metrics.conventions import compared_by
from emtm.metrics.iou import Array
from emtm.metrics.means import hits
from emtm.metrics.metric import METRICS, MIOU, Metric

MARGIN = 1.0
"""Percent points: accuracies whose interval lies within this of each other are the same."""
_CONFIDENCE = 0.95
"""Of the intervals in run files, and of those made here."""


@dataclass(frozen=True, slots=True)
class Score:
    """Percent and its 95 % interval over queries, clustered by video."""

    value: float
    interval: Interval | None


def accuracies(pairs: Sequence[Pair], base: Sequence[CaseRecord], head: Sequence[CaseRecord]) -> Iterator[Finding]:
    """A finding for mIoU and R1 at each threshold of every pair that has them; `base` and `head` are whole runs.

    Models of one configuration that were trained from different seeds show what training leaves to chance.
    """
    compared = [
        (pair, name, before, after)
        for pair in pairs
        if (was := known(pair.base.quality)) is not None and (now := known(pair.head.quality)) is not None
        for name, before in scores(was).items()
        if (after := scores(now).get(name)) is not None
    ]
    seeds = {name: (_seeds(base, name), _seeds(head, name)) for name in dict.fromkeys(row[1] for row in compared)}
    for pair, name, before, after in compared:
        by_chance = 0.0 if _same_weights(pair) else _reach(seeds[name], len(compared))
        yield _finding(pair, name, before, after, by_chance, len(compared))


def scores(quality: Quality) -> dict[str, Score]:
    """mIoU and R1 by name."""
    within = known(quality.ci95)
    found = {MIOU.title: Score(quality.miou, None if within is None else within.miou)}
    for threshold, value in quality.r1.items():
        found[Metric("r1", float(threshold)).title] = Score(value, None if within is None else within.r1.get(threshold))
    return found


def _finding(pair: Pair, name: str, base: Score, head: Score, by_chance: float | None, comparisons: int) -> Finding:
    value = head.value - base.value
    interval = _paired(pair, name) or _unpaired(base, head)
    limit = None
    if interval is not None and by_chance is not None:
        own = max(value - interval[0], interval[1] - value)
        limit = math.hypot(widening(comparisons, _CONFIDENCE) * own, by_chance)
    verdict, reason = Verdict.INCONCLUSIVE, ""
    if base == head and _same_weights(pair):
        verdict = Verdict.SAME
    elif interval is None:
        reason = "there is no interval over the queries"
    elif limit is None or by_chance is None:
        reason = "trained anew, and the runs hold too few seeds to tell what training leaves to chance"
    elif abs(value) > limit:
        verdict = Verdict.WORSE if value < 0 else Verdict.BETTER
    elif max(abs(interval[0]), abs(interval[1])) <= max(MARGIN, by_chance):
        verdict = Verdict.SAME
    else:
        reason = "too wide an interval over the queries" + (", of the same weights" if by_chance == 0 else "")
    return Finding(
        case_id=pair.case_id,
        kind="accuracy",
        figure=name,
        verdict=verdict,
        base=base.value,
        head=head.value,
        unit="%",
        change=Change(
            value=value, interval=interval, called_from=None if limit is None else math.copysign(limit, value)
        ),
        reason=reason,
    )


def _unpaired(base: Score, head: Score) -> Interval | None:
    if base.interval is None or head.interval is None:
        return None
    return difference(base.value, base.interval, head.value, head.interval)


def _paired(pair: Pair, name: str) -> Interval | None:
    """Interval of the mean difference over the same queries; None where they are not known to be the same."""
    before, after = (_queries(case) for case in (pair.base, pair.head))
    if before is None or after is None or _videos(before) != _videos(after):
        return None
    names = [metric.title for metric in METRICS]
    if name not in names:
        return None
    gained = (_values(pair.head, after) - _values(pair.base, before))[:, [names.index(name)]]
    found = cluster_interval(gained, [video for _, video in _videos(before)])
    return None if found is None else (float(found[0, 0]), float(found[0, 1]))


def _queries(case: CaseRecord) -> QueryScores | None:
    quality = known(case.quality)
    return None if quality is None else known(quality.per_query)


def _videos(queries: QueryScores) -> list[tuple[str, str]]:
    return sorted(zip(queries.queries, queries.videos, strict=True))


def _values(case: CaseRecord, queries: QueryScores) -> Array:
    """Hits and IoU by query `[Q, M + 1]` in percent, in the order of the queries' names."""
    quality = known(case.quality)
    iou = np.array([iou for _, iou in sorted(zip(queries.queries, queries.iou, strict=True))])
    return hits(iou, compared_by(None if quality is None else known(quality.comparison)))


def _same_weights(pair: Pair) -> bool:
    before, after = known(pair.base.model.weights_sha256), known(pair.head.model.weights_sha256)
    return before is not None and before == after


def _reach(seeds: tuple[Spread | None, Spread | None], comparisons: int) -> float | None:
    """How far training anew moves an accuracy; None where a run does not tell."""
    base, head = seeds
    return None if base is None or head is None else reach(base, head, comparisons)


def _seeds(cases: Iterable[CaseRecord], name: str) -> Spread | None:
    """Spread between models of a run that differ by nothing but their seed."""
    groups: dict[object, list[float]] = {}
    for case in cases:
        quality, model = known(case.quality), case.model
        if case.status != "ok" or quality is None or known(model.config_hash) is None:
            continue
        score = scores(quality).get(name)
        task = (quality.dataset, quality.split, known(quality.protocol), quality.n, case.workload.scenario)
        key = (model.name, known(model.config_hash), known(model.recipe_hash), task)
        if score is not None:
            groups.setdefault(key, []).append(score.value)
    return spread(groups.values())
