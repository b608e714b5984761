"""The cases of a report, and those of them that stand together in a table or a figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bench.missing import Missing, known, of
from bench.record import CaseRecord, Scenario
from bench.report.content.naming import identity, labels
from bench.run import Run
from emtm.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Named:
    """A case under the name that tells it apart from those it stands with."""

    label: str
    case: CaseRecord


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """What was measured at the sizes of one dataset."""

    dataset: str
    rows: tuple[T, ...]


def joined(runs: Sequence[Run]) -> tuple[CaseRecord, ...]:
    """All cases of all runs.

    Raises UserError when two runs hold the same case: a report shows one measurement of a case.
    """
    seen: dict[str, str] = {}
    for run in runs:
        for case in run.cases:
            if case.case_id in seen:
                raise UserError(f"case {case.case_id} is in run {seen[case.case_id]} and again in run {run.run_id}")
            seen[case.case_id] = run.run_id
    return tuple(case for run in runs for case in run.cases)


def is_trained(case: CaseRecord) -> bool:
    """Does the case carry an accuracy?"""
    return case.status == "ok" and not isinstance(case.quality, Missing)


def macs(case: CaseRecord) -> int | Missing:
    """Multiply-adds of one call."""
    return of(case.compute, lambda compute: compute.macs)


def for_cost(cases: Iterable[CaseRecord], scenario: Scenario) -> list[CaseRecord]:
    """The sound cases of a scenario that were measured for cost alone, cheapest first."""
    found = [
        case for case in cases if case.status == "ok" and case.workload.scenario == scenario and not is_trained(case)
    ]
    return sorted(found, key=lambda case: (known(macs(case)) or 0, case.case_id))


def named(cases: Sequence[CaseRecord]) -> tuple[Named, ...]:
    """The cases with names that tell them apart from each other."""
    found = labels([identity(case) for case in cases])
    return tuple(Named(label, case) for label, case in zip(found, cases, strict=True))


def by_dataset(cases: Iterable[CaseRecord]) -> tuple[Group[Named], ...]:
    """Cases by the dataset whose sizes they run on, in the order of the names."""
    groups: dict[str, list[CaseRecord]] = {}
    for case in cases:
        groups.setdefault(case.workload.dataset, []).append(case)
    return tuple(Group(dataset, named(found)) for dataset, found in sorted(groups.items()))
