"""Every output of every model, on the device against the CPU."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bench.gpu_check.part import Part, by_model
from bench.gpu_check.plan import Plan
from bench.gpu_record import OutputDeviation, ParityRow
from bench.missing import Block, Missing, known
from bench.subjects import build_model, make_batch
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.deploy.encodings import tensors_in

TOLERANCE = 1e-4
_BATCH = 2


def row(plan: Plan, model: str) -> ParityRow:
    """Both sides run the same weights on the same batch, of which one video is shorter than the other."""
    subject = plan.subject(model)
    batch = _uneven(make_batch(subject.shape, subject.config.feature_dim, _BATCH))
    here = build_model(model, subject.config, subject.shape)
    there = copy.deepcopy(here).to(plan.device)
    ours, theirs = _outputs(here, batch), _outputs(there, batch.to(plan.device))
    pairs = zip(ours, theirs, strict=True)
    deviations = tuple(OutputDeviation(output=name, deviation=deviation(a, b)) for (name, a), (_, b) in pairs)
    return ParityRow(model=model, dataset=subject.dataset, tolerance=TOLERANCE, outputs=deviations)


def deviation(reference: Tensor, found: Tensor) -> float | Missing:
    """Largest difference between elements, divided by the reference where that is above 1.

    What is infinite on both sides is equal. Missing where shapes differ or one side alone is not finite.
    """
    a, b = reference.detach().cpu().double(), found.detach().cpu().double()
    if a.shape != b.shape:
        return Missing(f"the shapes are {list(a.shape)} and {list(b.shape)}")
    same = (a == b) | (a.isnan() & b.isnan())
    difference = torch.where(same, 0.0, (a - b).abs() / a.abs().clamp(min=1.0))
    if not difference.isfinite().all():
        return Missing("one side alone is not finite")
    return float(difference.max()) if difference.numel() else 0.0


def sound(row: ParityRow) -> bool:
    """Does no output deviate by more than the tolerance?"""
    return all((found := known(output.deviation)) is not None and found <= row.tolerance for output in row.outputs)


def told(rows: Sequence[Block]) -> str:
    """How many models agree, and the one that agrees least."""
    found = [row for row in rows if isinstance(row, ParityRow)]
    if not found:
        return "no model was compared"
    worst = max(found, key=_worst)
    return (
        f"{sum(map(sound, found))} of {len(found)} models agree with the CPU to {TOLERANCE:g}; "
        f"furthest off is {worst.model}, by {_worst(worst):.2g}"
    )


def _worst(row: ParityRow) -> float:
    return max((float("inf") if isinstance(o.deviation, Missing) else o.deviation for o in row.outputs), default=0.0)


def _uneven(batch: Batch) -> Batch:
    mask = batch.video_mask.clone()
    mask[-1, -max(mask.shape[1] // 4, 1) :] = False
    return replace(batch, video=batch.video * mask.unsqueeze(2), video_mask=mask)


@torch.inference_mode()
def _outputs(model: AnyModel, batch: Batch) -> list[tuple[str, Tensor]]:
    """What the model's forward gives, tensor by tensor, and what is made of it."""
    output = model(batch)
    return [
        *_numbered("output", tensors_in(output)),
        ("span_distribution", model.span_distribution(output)),
        ("moments", model.moments(output, batch.duration_s)),
    ]


def _numbered(name: str, tensors: Sequence[Tensor]) -> Iterator[tuple[str, Tensor]]:
    for number, tensor in enumerate(tensors):
        yield f"{name}[{number}]", tensor


PARITY = Part("parity", 0.10, by_model, row, told)
