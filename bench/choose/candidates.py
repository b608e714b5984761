"""Models that could be chosen: what was run on one dataset's sizes, and how accurate it is known to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.missing import known
from bench.record import CaseRecord, Role
from bench.report.content.cases import for_cost
from bench.report.content.naming import identity, labels
from bench.report.content.runs import newest_first
from bench.report.content.seeds import Trained, trained_models
from bench.report.quantity import plural
from bench.results import read_run
from bench.run import Run
from emtm.errors import UserError
from emtm.metrics.metric import HEADLINE
from emtm.metrics.published import Published, published


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model in one way of running it, with one accuracy: measured with these weights, published, or none."""

    label: str
    role: Role
    cases: tuple[CaseRecord, ...]
    """One a seed."""
    accuracy: Trained | Published | None

    @property
    def headline(self) -> float | None:
        """What candidates are ordered by, in percent."""
        if isinstance(self.accuracy, Trained):
            spread = self.accuracy.accuracy.get(HEADLINE)
            return None if spread is None else spread.mean
        return None if self.accuracy is None else HEADLINE.of(self.accuracy)


@dataclass(frozen=True, slots=True)
class Place:
    """Where models are to run."""

    dataset: str
    device: str
    threads: int | None
    """Any number where None."""

    def holds(self, case: CaseRecord) -> bool:
        """Was the case run so, one query at a time?"""
        workload, execution = case.workload, case.execution
        return (
            case.status == "ok"
            and workload.dataset == self.dataset
            and workload.scenario == "single_stream"
            and execution.device == self.device
            and self.threads in (None, known(execution.threads))
        )


def newest_at(place: Place) -> Run:
    """The run measured last in which something was run at the place, the user's own before the reference runs.

    Raises UserError where there is none.
    """
    seen: list[CaseRecord] = []
    for path in newest_first():
        try:
            run = read_run(path)
        except UserError:
            continue  # Studies lie beside the runs.
        if any(place.holds(case) for case in run.cases):
            return run
        seen += run.cases
    raise UserError(_nothing(seen, place))


def candidates(cases: Sequence[CaseRecord], place: Place) -> tuple[Candidate, ...]:
    """All that were run at the place, best first; those without an accuracy last.

    Raises UserError, saying where something was run, when there are none.
    """
    here = [case for case in cases if place.holds(case)]
    if not here:
        raise UserError(_nothing(cases, place))
    measured = _measured(here)
    # Somebody's own data under a benchmark's name is not what papers tested on.
    alike = all(one.accuracy.official for one in measured if isinstance(one.accuracy, Trained))
    found = [*measured, *_cost_only(here, published(place.dataset) if alike else ())]
    return tuple(sorted(found, key=lambda one: (one.headline is None, -(one.headline or 0.0), one.label)))


def _measured(cases: Sequence[CaseRecord]) -> list[Candidate]:
    models = trained_models(cases)
    names = labels([model.identity for model in models])
    return [Candidate(name, model.role, model.cases, model) for name, model in zip(names, models, strict=True)]


def _cost_only(cases: Iterable[CaseRecord], accuracies: Sequence[Published]) -> list[Candidate]:
    """Cost-only cases, once for each published result of their model, or once without an accuracy."""
    alone = for_cost(cases, "single_stream")
    found: list[Candidate] = []
    for label, case in zip(labels([identity(case) for case in alone]), alone, strict=True):
        results = [entry for entry in accuracies if entry.model == case.model.name]
        for entry in results or (None,):
            found.append(Candidate(label, case.model.role, (case,), entry))
    return found


def _nothing(cases: Sequence[CaseRecord], place: Place) -> str:
    wanted = f"single queries on {place.dataset} on {place.device}"
    wanted += "" if place.threads is None else f" with {plural(place.threads, 'thread')}"
    there = {
        f"{case.workload.dataset} on {case.execution.device}, {plural(known(case.execution.threads) or 0, 'thread')}"
        for case in cases
        if case.status == "ok" and case.workload.scenario == "single_stream"
    }
    return f"no model was measured with {wanted}; the runs have {'; '.join(sorted(there)) or 'nothing of the kind'}"
