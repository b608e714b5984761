"""Exact counts beside fvcore's: what depends on the model and its input alone, not on the machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from bench.missing import Missing, known, known_of, of
from bench.record import CaseRecord
from bench.report.content.cases import Group, Named, by_dataset, for_cost, macs


@dataclass(frozen=True, slots=True)
class Crosschecked:
    """Models at the sizes of one dataset, with the pairs (dearer-looking, cheaper) that fvcore turns around."""

    dataset: str
    rows: tuple[Named, ...]
    flips: tuple[tuple[str, str], ...]


def counted(cases: Iterable[CaseRecord]) -> list[CaseRecord]:
    """One case for each model and workload: a count is the same on every device and thread number."""
    first: dict[tuple[object, ...], CaseRecord] = {}
    for case in for_cost(cases, "single_stream"):
        if not isinstance(case.compute, Missing):
            model, workload = case.model, case.workload
            size = (workload.dataset, known(workload.num_clips), known(workload.num_words))
            first.setdefault((model.name, known(model.config_hash), *size), case)
    return list(first.values())


def fvcore_macs(case: CaseRecord) -> int | Missing:
    """The total that fvcore prints."""
    return of(of(case.compute, lambda compute: compute.crosscheck), lambda crosscheck: crosscheck.fvcore_macs)


def fvcore_coverage(case: CaseRecord) -> float | Missing:
    """The share of the exact MACs that fvcore sees, in percent; the norms that it adds are not among them."""
    printed, exact = fvcore_macs(case), macs(case)
    if isinstance(printed, Missing) or isinstance(exact, Missing):
        return printed if isinstance(printed, Missing) else Missing("there is no exact count")
    if not exact:
        return Missing("the model has no multiply-adds")
    norms = known(of(of(case.compute, lambda compute: compute.crosscheck), lambda found: found.fvcore_norm_flops))
    return 100 * (printed - (norms or 0)) / exact


def query_independent_macs(case: CaseRecord) -> int | Missing:
    """Multiply-adds that are done once a video."""
    return of(case.compute, lambda compute: compute.query_independent_macs)


def network(case: CaseRecord) -> tuple[int, ...] | None:
    """What two networks that are one agree in; None where it is not known."""
    if isinstance(case.params, Missing) or isinstance(case.compute, Missing):
        return None
    found = (
        case.params.total,
        case.params.trainable,
        case.compute.macs,
        case.compute.flops_elementwise,
        case.workload.num_clips,
    )
    numbers = known_of(found)
    return tuple(numbers) if len(numbers) == len(found) else None


def crosschecked(cases: Iterable[CaseRecord]) -> tuple[Crosschecked, ...]:
    """All counted cases by dataset."""
    return tuple(Crosschecked(group.dataset, group.rows, _flips(group)) for group in by_dataset(cases))


def _flips(group: Group[Named]) -> tuple[tuple[str, str], ...]:
    """Pairs that fvcore ranks the other way round than the exact count."""
    rows = [
        (exact, printed, row.label)
        for row in group.rows
        if not isinstance(exact := macs(row.case), Missing)
        and not isinstance(printed := fvcore_macs(row.case), Missing)
    ]
    return tuple(
        (a[2], b[2]) for a, b in combinations(sorted(rows, key=lambda row: row[0]), 2) if a[0] < b[0] and a[1] > b[1]
    )
