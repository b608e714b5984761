"""What a model sees: padded tensors of a few queries and their videos."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Targets:
    """The annotated moments of a batch, on the clip grid and in seconds."""

    start_index: Tensor
    """First clip of the moment, long `[B]`."""
    end_index: Tensor
    """Last clip of the moment, inclusive, long `[B]`."""
    moment_s: Tensor
    """Annotated start and end in seconds, float `[B, 2]`."""
    soft_labels: Tensor | None = None
    """Start and end distributions of K teachers over the clips, float `[B, K, 2, L]`."""
    annotated: Tensor | None = None
    """Which moments are annotated and not made up by teachers, bool `[B]`; None where all are."""
    held_out: Tensor | None = None
    """Which moments are annotated and were in no teacher's training, bool `[B]`; None where none is."""
    weight: Tensor | None = None
    """Of each moment in the losses that compare with one, float `[B]`; None where all weigh 1."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded inputs; padded positions hold zeros and are False in the masks."""

    video: Tensor
    """Clip features, float `[B, L, V]`."""
    video_mask: Tensor
    """Bool `[B, L]`."""
    word_ids: Tensor
    """Long `[B, T]`; 0 is padding, 1 the unknown word."""
    char_ids: Tensor
    """Long `[B, T, C]` with C >= 4; 0 is padding, 1 the unknown character."""
    query_mask: Tensor
    """Bool `[B, T]`."""
    duration_s: Tensor
    """Length of each video in seconds, float `[B]`."""
    targets: Targets | None = None
    query_ids: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of queries."""
        return self.video.shape[0]

    @property
    def num_clips(self) -> Tensor:
        """Valid clips per sample, long `[B]`."""
        return self.video_mask.sum(1)

    def truth(self) -> Targets:
        """The annotated moments; raises ValueError where the batch has none, as at inference."""
        if self.targets is None:
            raise ValueError("the batch has no targets")
        return self.targets

    def to(self, device: torch.device | str) -> Batch:
        """Copy of the batch with every tensor on `device`."""
        targets = self.targets and replace(self.targets, **_moved(self.targets, device))
        return replace(self, targets=targets, **_moved(self, device))


def _moved(record: Targets | Batch, device: torch.device | str) -> dict[str, Any]:
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return {name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)}
