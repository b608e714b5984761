"""The model compiled by torch, on cards alone: on a CPU it gains little here and costs a minute of compiling a case."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.backends.eager import tensors_of
from bench.execution import Backend, Device, Dtype, Execution, Outputs, Runner
from bench.missing import Missing
from emtm.contract import AnyModel
from emtm.data.batch import Batch

_WHOLE = Missing("a compiled model runs as a whole")
_KERNELS = Missing("compiled kernels allocate out of the dispatcher's sight")


def build(model: AnyModel, execution: Execution, example: Batch) -> Runner:
    """The model as one compiled function, warmed up on the example so that no timed call compiles."""
    function = torch.compile(_Answers(model))

    @torch.inference_mode()
    def outputs(batch: Batch) -> Outputs:
        return Outputs(*function(*tensors_of(batch)))

    outputs(example)
    return Runner(
        call=lambda batch: outputs(batch).moments,
        outputs=outputs,
        place=lambda batch: batch.to(execution.device.name),
        staged=_WHOLE,
        parts=_WHOLE,
        held=_KERNELS,
    )


def dtypes(device: Device) -> tuple[Dtype, ...]:
    """Single precision on a card, nothing on the CPU."""
    return () if device.name == "cpu" else ("float32",)


class _Answers(nn.Module):
    """What a runner is checked by and what it answers, as a function of tensors."""

    def __init__(self, model: AnyModel) -> None:
        super().__init__()
        self.model = model
        self.train(model.training)

    def forward(
        self, video: Tensor, video_mask: Tensor, word_ids: Tensor, char_ids: Tensor, duration_s: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Span distribution `[B, 2, L]` and best moments `[B, 1, 3]`."""
        encoded = self.model.encode_video(video, video_mask)
        output = self.model.ground(encoded, self.model.encode_query(word_ids, char_ids))
        return self.model.span_distribution(output), self.model.moments(output, duration_s)


COMPILED = Backend("compiled", dtypes, build, tolerance=1e-4, title="the compiled model")
