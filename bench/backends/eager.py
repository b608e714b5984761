"""The model itself, as torch runs it operator by operator: what other ways of running are held against.

The counters look at this way of running too, since counts belong to a model however it is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bench.execution import Backend, Execution, Outputs, Parts, Runner
from bench.missing import Missing
from bench.stages import StageTracker
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.deploy.encodings import changed


def build(model: AnyModel, execution: Execution, example: Batch) -> Runner:
    """The model as a runner."""

    @contextmanager
    def staged(tracker: StageTracker) -> Iterator[Callable[[Batch], Tensor]]:
        with tracker.hooked(model, dict(model.stages)):
            yield lambda batch: infer_staged(model, batch, tracker)

    return Runner(
        call=torch.inference_mode()(lambda batch: infer(model, batch)),
        outputs=torch.inference_mode()(lambda batch: _outputs(model, batch)),
        place=lambda batch: batch.to(execution.device.name),
        staged=staged,
        parts=_parts(model),
        held=(*model.parameters(), *model.buffers()),
    )


def _parts(model: AnyModel) -> Parts | Missing:
    if not model.separable:
        return Missing("the model encodes no video without its query")
    return Parts(
        encode_video=torch.inference_mode()(lambda batch: model.encode_video(batch.video, batch.video_mask)),
        pick=torch.inference_mode()(take_rows),
        ground=torch.inference_mode()(lambda video, batch: _ground(model, video, batch)),
    )


EAGER = Backend("eager", lambda device: ("float32",), build, tolerance=1e-5, title="encoding apart")


def infer(model: AnyModel, batch: Batch) -> Tensor:
    """The best moment of every query, `[B, 1, 3]`."""
    return _ground(model, model.encode_video(batch.video, batch.video_mask), batch)


def infer_staged(model: AnyModel, batch: Batch, tracker: StageTracker) -> Tensor:
    """`infer`, entering the stage that each part of the contract counts as."""
    with tracker.enter("video_encode"):
        video = model.encode_video(batch.video, batch.video_mask)
    with tracker.enter("text_encode"):
        query = model.encode_query(batch.word_ids, batch.char_ids)
    with tracker.enter("fusion"):
        output = model.ground(video, query)
    with tracker.enter("decode"):
        return model.moments(output, batch.duration_s)


def staged_run(model: AnyModel, batch: Batch) -> Callable[[StageTracker], Tensor]:
    """One staged inference, in the form the counters take."""
    return lambda tracker: infer_staged(model, batch, tracker)


def _ground(model: AnyModel, video: object, batch: Batch) -> Tensor:
    query = model.encode_query(batch.word_ids, batch.char_ids)
    return model.moments(model.ground(video, query), batch.duration_s)


def _outputs(model: AnyModel, batch: Batch) -> Outputs:
    video = model.encode_video(batch.video, batch.video_mask)
    output = model.ground(video, model.encode_query(batch.word_ids, batch.char_ids))
    return Outputs(model.span_distribution(output), model.moments(output, batch.duration_s))


def predictions(model: AnyModel, batch: Batch) -> list[Tensor]:
    """What a prediction depends on: the span distribution and the scores of the moments."""
    output = model(batch)
    return [model.span_distribution(output), model.moments(output, batch.duration_s)]


@torch.inference_mode()
def whole(model: AnyModel, batch: Batch) -> Tensor:
    """Span distribution `[B, 2, L]` of the model's own `forward`."""
    return model.span_distribution(model(batch))


class Traceable(nn.Module):
    """A grounding model as a function of tensors, for counters that trace."""

    def __init__(self, model: AnyModel) -> None:
        super().__init__()
        self.model = model
        self.train(model.training)  # Counters restore this mode, and with it the model's.

    def forward(
        self, video: Tensor, video_mask: Tensor, word_ids: Tensor, char_ids: Tensor, duration_s: Tensor
    ) -> Tensor:
        """Best moments `[B, 1, 3]`."""
        encoded = self.model.encode_video(video, video_mask)
        output = self.model.ground(encoded, self.model.encode_query(word_ids, char_ids))
        return self.model.moments(output, duration_s)


def tensors_of(batch: Batch) -> tuple[Tensor, ...]:
    """Arguments of `Traceable.forward`."""
    return batch.video, batch.video_mask, batch.word_ids, batch.char_ids, batch.duration_s


def take_rows(encoded: Any, rows: Tensor) -> Any:
    """Rows of an encoding, whatever its structure."""
    return changed(encoded, lambda tensor: tensor[rows] if tensor.dim() else tensor)
