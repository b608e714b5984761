"""Is a model faster and more accurate than each other one, by more than their intervals?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from bench.claims.estimate import Estimate, Part
from bench.claims.estimators.estimator import Estimator
from bench.claims.evidence import Evidence, Read
from bench.missing import Missing, known
from bench.report.content.counts import network
from bench.report.content.seeds import Trained, trained_models
from bench.run import Run
from bench.typical import latency_s
from emtm.metrics.metric import HEADLINE


@dataclass(frozen=True, kw_only=True)
class Dominance(Estimator):
    """Two parts for each other model trained on `dataset` in the same run and way of running it.

    Speed: by how many percent `model` is faster, with the 99 % intervals of both, widened by what two cases of one
    network differ by in that run. Accuracy: percent points, with the envelopes of the seeds' 95 % intervals.
    """

    model: str
    dataset: str

    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """All above 0 where `model` dominates."""
        for name, run in evidence.runs:
            models = [one for one in trained_models(run.cases) if one.scope.dataset == self.dataset]
            ours = next((one for one in models if one.identity.name == self.model), None)
            others = [] if ours is None else [one for one in models if one.scope == ours.scope and one is not ours]
            if ours is not None and others:
                apart = session_spread(run)
                return tuple(part for other in others for part in _against(name, ours, other, apart))
        return (Part(self.model, Missing(f"no run file has {self.model} and others trained on {self.dataset}")),)


def session_spread(run: Run) -> float:
    """The largest ratio of latencies of two cases of one network; 1 in a run without such twins."""
    groups: dict[object, list[float]] = {}
    for case in run.cases:
        seconds, counts = known(latency_s(case)), network(case)
        if seconds is not None and counts is not None and case.model.weights_kind == "random":
            way = (case.workload.dataset, case.workload.scenario, case.workload.batch_size, case.execution.backend)
            groups.setdefault((counts, way, case.execution.device, known(case.execution.threads)), []).append(seconds)
    return max((max(a, b) / min(a, b) for times in groups.values() for a, b in combinations(times, 2)), default=1.0)


def _against(file: str, ours: Trained, other: Trained, apart: float) -> tuple[Part, Part]:
    name = other.identity.name
    read = tuple(Read(file, case.case_id) for case in (*ours.cases, *other.cases))
    return Part(f"{name}: speed", _speed(ours, other, apart, read)), Part(f"{name}: accuracy", _gain(ours, other, read))


def _speed(ours: Trained, other: Trained, apart: float, read: tuple[Read, ...]) -> Estimate | Missing:
    fast, slow, mine, theirs = ours.latency_s, other.latency_s, ours.latency_ci99_s, other.latency_ci99_s
    for value in (fast, slow, mine, theirs):
        if isinstance(value, Missing):
            return value
    assert not isinstance(fast, Missing) and not isinstance(slow, Missing)
    assert not isinstance(mine, Missing) and not isinstance(theirs, Missing)
    return Estimate(
        value=100 * (slow / fast - 1),
        low=100 * (theirs[0] / mine[1] / apart - 1),
        high=100 * (theirs[1] / mine[0] * apart - 1),
        unit="%",
        basis=f"99 % over calls, and {100 * (apart - 1):.1f} % that one network differs by in this run",
        read=read,
    )


def _gain(ours: Trained, other: Trained, read: tuple[Read, ...]) -> Estimate | Missing:
    mine, theirs = ours.accuracy.get(HEADLINE), other.accuracy.get(HEADLINE)
    if mine is None or theirs is None:
        return Missing(f"the run lacks {HEADLINE.title}")
    return Estimate(
        value=mine.mean - theirs.mean,
        low=mine.low - theirs.high,
        high=mine.high - theirs.low,
        unit="points",
        basis=f"envelope of the 95 % intervals of {ours.seeds} and {other.seeds} seeds",
        read=read,
    )
