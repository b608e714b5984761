"""Exact figures: counted, not timed, so that any difference is one. The tolerance is zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

from bench.compare.finding import Finding
from bench.compare.pairing import Pair
from bench.missing import Json, Missing, known, of
from bench.record import CaseRecord, Compute, Provenance
from bench.verdict import Verdict

Direction = Literal["lower", "higher", "none"]
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Figure:
    """One exact figure of a case."""

    name: str
    read: Callable[[CaseRecord], object]
    better: Direction
    """Which change is an improvement; none where a change means nothing by itself."""
    unit: str
    measured: Callable[[CaseRecord], bool]
    """Whether the block that the figure stands in is there at all."""


def _figure(
    name: str,
    block: Callable[[CaseRecord], B | Missing],
    pick: Callable[[B], object],
    better: Direction = "none",
    unit: str = "",
) -> Figure:
    return Figure(
        name, lambda case: of(block(case), pick), better, unit, lambda case: not isinstance(block(case), Missing)
    )


def _soft_labels(found: Provenance) -> str:
    return ", ".join(f"{teacher.name} {teacher.labels_sha256:.12}" for teacher in found.teachers) or "none"


FIGURES = (
    _figure("parameters", lambda case: case.params, lambda params: params.total, "lower"),
    _figure("bytes of weights", lambda case: case.params, lambda params: params.bytes, "lower", "B"),
    _figure("unreachable parameters", lambda case: case.params, lambda params: params.unreachable, "lower"),
    _figure("trainable parameters", lambda case: case.params, lambda params: params.trainable),
    _figure("embedding parameters", lambda case: case.params, lambda params: params.embedding),
    _figure("buffers", lambda case: case.params, lambda params: params.buffers),
    _figure("MACs", lambda case: case.compute, lambda compute: compute.macs, "lower"),
    _figure("FLOPs of norms", lambda case: case.compute, lambda compute: compute.flops_norm, "lower"),
    _figure("elementwise FLOPs", lambda case: case.compute, lambda compute: compute.flops_elementwise, "lower"),
    _figure("MACs without the query", lambda case: case.compute, lambda compute: compute.query_independent_macs),
    _figure("coverage", lambda case: case.compute, lambda compute: compute.coverage.covered_pct, "higher", "%"),
    _figure("kinds of operators", lambda case: case.compute, lambda compute: compute.coverage.ops_total),
    _figure("calls of operators", lambda case: case.compute, lambda compute: compute.coverage.calls_total),
    _figure("operators without a cost", lambda case: case.compute, lambda compute: _uncounted(compute)),
    _figure("counter", lambda case: case.compute, lambda compute: compute.counter),
    _figure(
        "fvcore's MACs", lambda case: case.compute, lambda compute: of(compute.crosscheck, lambda x: x.fvcore_macs)
    ),
    _figure("tensor peak", lambda case: case.memory, lambda memory: memory.tensor_peak_bytes, "lower", "B"),
    _figure("activation peak", lambda case: case.memory, lambda memory: memory.activation_peak_bytes, "lower", "B"),
    _figure("parameters of the backbone", lambda case: case.backbone, lambda backbone: backbone.params, "lower"),
    _figure("MACs of the backbone", lambda case: case.backbone, lambda backbone: backbone.macs, "lower"),
    _figure("bytes of the video", lambda case: case.end_to_end, lambda end_to_end: end_to_end.bytes, "none", "B"),
    _figure("hash of the video", lambda case: case.end_to_end, lambda end_to_end: end_to_end.sha256),
    _figure("hash of the configuration", lambda case: case.model, lambda model: model.config_hash),
    _figure("hash of the recipe", lambda case: case.model, lambda model: model.recipe_hash),
    _figure("settings", lambda case: case.model.provenance, lambda found: " ".join(found.settings) or "the preset's"),
    _figure("hashes of soft labels", lambda case: case.model.provenance, _soft_labels),
)


def exact(pair: Pair) -> Iterator[Finding]:
    """A finding for every exact figure that both have, or that one has and the other lacks."""
    for figure in (*FIGURES, *_stages(pair)):
        # A block that one lacks as a whole has been named by then, so its figures are not named again.
        if not (figure.measured(pair.base) and figure.measured(pair.head)):
            continue
        base, head = figure.read(pair.base), figure.read(pair.head)
        if isinstance(base, Missing) and isinstance(head, Missing):
            continue
        yield Finding(
            case_id=pair.case_id,
            kind="exact",
            figure=figure.name,
            verdict=_verdict(base, head, figure.better),
            base=_json(base),
            head=_json(head),
            unit=figure.unit,
            reason=next((value.reason for value in (base, head) if isinstance(value, Missing)), ""),
        )


def _stages(pair: Pair) -> Iterator[Figure]:
    """Arithmetic of each stage; one that a run does not have costs nothing there.

    Where the total stayed, multiply-adds have only moved between stages, which is neither good nor bad.
    """
    totals = {known(of(case.compute, lambda compute: compute.macs)) for case in (pair.base, pair.head)}
    better: Direction = "none" if len(totals) == 1 else "lower"
    by_stage = [known(of(case.compute, lambda compute: compute.by_stage)) or {} for case in (pair.base, pair.head)]
    for name in dict.fromkeys(stage for stages in by_stage for stage in stages):
        yield _stage(f"MACs of {name}", name, better)


def _stage(figure: str, stage: str, better: Direction) -> Figure:
    def macs(compute: Compute) -> int:
        return compute.by_stage[stage].macs if stage in compute.by_stage else 0

    return _figure(figure, lambda case: case.compute, macs, better)


def _verdict(base: object, head: object, better: Direction) -> Verdict:
    if isinstance(base, Missing):
        return Verdict.GAINED
    if isinstance(head, Missing):
        return Verdict.LOST
    if base == head:
        return Verdict.SAME
    if better == "none" or not isinstance(base, int | float) or not isinstance(head, int | float):
        return Verdict.CHANGED
    return Verdict.BETTER if (head < base) == (better == "lower") else Verdict.WORSE


def _uncounted(compute: Compute) -> str:
    return ", ".join(sorted(op.op for op in compute.coverage.ops_uncounted)) or "none"


def _json(value: object) -> Json:
    return value if isinstance(value, bool | int | float | str) else None
