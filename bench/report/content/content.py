"""Everything that a report shows, computed once from its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.audit.record import Audit
from bench.missing import Missing
from bench.record import CaseRecord
from bench.report.content.cases import Group, Named, by_dataset, for_cost, joined, named
from bench.report.content.counts import Crosschecked, counted, crosschecked, query_independent_macs
from bench.report.content.curves import Curve, curves
from bench.report.content.few_labels import FewLabels
from bench.report.content.growth import Growing, growing
from bench.report.content.numbered import Numbered
from bench.report.content.passes import Passes, passes
from bench.report.content.reuse import shared_macs, shared_seconds
from bench.report.content.seeds import Trained, trained_models
from bench.report.content.stages import Stages, stage_macs, stage_seconds
from bench.report.content.standings import Contest, Tradeoff, contests, kind_contests, tradeoffs
from bench.report.content.steps import Steps, training_steps
from bench.report.content.study import Study
from bench.run import Run
from emtm.errors import UserError


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Runs, a study and an audit, and what the cases say together."""

    runs: tuple[Run, ...]
    names: tuple[str, ...]
    """Of the run files, as the user would give them."""
    study: Study | None
    few_labels: FewLabels | None
    """A study of part of the annotation."""
    audit: Audit | None
    """Of the published costs."""
    cases: tuple[CaseRecord, ...]
    """Of all runs."""
    trained: tuple[Trained, ...]
    contests: tuple[Contest, ...]
    kind_contests: tuple[Contest, ...]
    tradeoffs: tuple[Tradeoff, ...]
    costs: tuple[Group[Named], ...]
    """Single queries by dataset, cheapest first."""
    crosschecked: tuple[Crosschecked, ...]
    cached: tuple[Group[Named], ...]
    """Cases that tell apart what is done once a video."""
    shared_macs: tuple[Group[Numbered], ...]
    """Of the same cases, by queries per video."""
    shared_seconds: tuple[Group[Numbered], ...]
    """Of single queries, by queries per video."""
    growing: tuple[Group[Growing], ...]
    """Single queries that were followed to longer videos."""
    stage_macs: tuple[Group[Stages], ...]
    stage_seconds: tuple[Group[Stages], ...]
    curves: tuple[Group[Curve], ...]
    steps: tuple[Steps, ...]
    evaluations: tuple[Named, ...]
    passes: tuple[Passes, ...]

    @property
    def ok(self) -> list[CaseRecord]:
        """The cases that gave a result."""
        return [case for case in self.cases if case.status == "ok"]


def gather(
    runs: Sequence[Run], names: Sequence[str], studies: Sequence[Study | FewLabels] = (), audit: Audit | None = None
) -> Content:
    """The content of a report of these runs, of a study of each kind at the most, and of an audit.

    Raises UserError when two runs hold the same case, two studies are of one kind, or there is no case at all; a study
    or an audit may stand alone.
    """
    cases = joined(runs)
    if not cases and (runs or (not studies and audit is None)):
        raise UserError(f"there is no case in {', '.join(names)}")
    models, single, once = trained_models(cases), for_cost(cases, "single_stream"), counted(cases)
    costs = by_dataset(single)
    cached = by_dataset(case for case in once if not isinstance(query_independent_macs(case), Missing))
    return Content(
        runs=tuple(runs),
        names=tuple(names),
        study=_only(Study, studies, "of every moment, or by folds"),
        few_labels=_only(FewLabels, studies, "of part of the annotation"),
        audit=audit,
        cases=cases,
        trained=models,
        contests=contests(models),
        kind_contests=kind_contests(models),
        tradeoffs=tradeoffs(models),
        costs=costs,
        crosschecked=crosschecked(once),
        cached=cached,
        shared_macs=shared_macs(cached),
        shared_seconds=shared_seconds(costs),
        growing=growing(single),
        stage_macs=stage_macs(once),
        stage_seconds=stage_seconds(single),
        curves=curves(single),
        steps=training_steps(cases),
        evaluations=named(for_cost(cases, "evaluation")),
        passes=passes(cases),
    )


_Kind = TypeVar("_Kind", Study, FewLabels)


def _only(kind: type[_Kind], studies: Sequence[Study | FewLabels], what: str) -> _Kind | None:
    found = [study for study in studies if isinstance(study, kind)]
    if len(found) > 1:
        both = " and ".join(study.path for study in found)
        raise UserError(f"{both} are both studies {what}; a report shows one of each kind")
    return found[0] if found else None
