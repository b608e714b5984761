"""Where compute and time go, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from bench.missing import known, of
from bench.record import CaseRecord
from bench.report.content.cases import Group, by_dataset, macs
from bench.report.content.subject import Subject, of_case
from emtm.contract import STAGES


@dataclass(frozen=True, slots=True)
class Stages:
    """What each stage of one model takes, in the order in which they run."""

    subject: Subject
    parts: Mapping[str, float]
    whole: float
    """Of the model; may be more than the sum of the parts."""

    @property
    def label(self) -> str:
        """Of the model."""
        return self.subject.label


def stage_place(stage: str) -> tuple[int, str]:
    """What stages are sorted by: the order they run in, unknown ones last."""
    return (STAGES.index(stage) if stage in STAGES else len(STAGES), stage)


def stages_of(rows: Iterable[Stages]) -> list[str]:
    """The stages that any of the rows has, in order."""
    return sorted({name for row in rows for name in row.parts}, key=stage_place)


def stage_macs(cases: Iterable[CaseRecord]) -> tuple[Group[Stages], ...]:
    """MACs of the cases whose stages are known, by dataset."""
    return _grouped(cases, _macs, lambda case: known(macs(case)) or 0)


def stage_seconds(cases: Iterable[CaseRecord]) -> tuple[Group[Stages], ...]:
    """Median seconds of the cases whose stages were timed, by dataset."""
    return _grouped(cases, _seconds, lambda case: 0)


def _macs(case: CaseRecord) -> dict[str, float]:
    stages = known(of(case.compute, lambda compute: compute.by_stage)) or {}
    return {name: stages[name].macs for name in sorted(stages, key=stage_place)}


def _seconds(case: CaseRecord) -> dict[str, float]:
    stages = known(of(case.latency, lambda latency: latency.by_stage)) or {}
    return {name: stages[name] for name in sorted(stages, key=stage_place)}


def _grouped(
    cases: Iterable[CaseRecord], parts: Callable[[CaseRecord], dict[str, float]], whole: Callable[[CaseRecord], float]
) -> tuple[Group[Stages], ...]:
    found = by_dataset(case for case in cases if parts(case))
    return tuple(
        Group(
            group.dataset,
            tuple(
                Stages(of_case(row), parts(row.case), whole(row.case) or sum(parts(row.case).values()))
                for row in group.rows
            ),
        )
        for group in found
    )
