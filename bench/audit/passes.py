"""The pass that a published figure was counted on, and the inference that it stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from bench.backends.eager import staged_run, tensors_of
from bench.cases import text_of
from bench.instruments.crosscheck import crosscheck
from bench.instruments.flops import operators, plain, summarise
from bench.published.efficiency import Entry, Protocol
from bench.record import Crosscheck
from bench.stages import StageTracker
from bench.subjects import Shape, build_model, make_batch
from emtm.contract import AnyModel, ModelConfig
from emtm.data.batch import Batch
from emtm.registry import override, preset


@dataclass(frozen=True, slots=True)
class Subject:
    """A model with one video and one query."""

    model: AnyModel
    batch: Batch
    shape: Shape

    @property
    def trainable(self) -> int:
        """Parameters with gradients: all but the frozen word vectors."""
        return sum(parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad)


class Forward(nn.Module):
    """The published forward pass, without decoding, as a function of tensors that counters can trace."""

    def __init__(self, model: AnyModel, protocol: Protocol) -> None:
        super().__init__()
        self.model, self.protocol = model, protocol
        self.train(model.training)  # Counters restore this mode, and with it the model's.

    def forward(
        self, video: Tensor, video_mask: Tensor, word_ids: Tensor, char_ids: Tensor, duration_s: Tensor
    ) -> tuple[Tensor, ...]:
        """What the pass returns, and what it asks the size of."""
        asked: list[Tensor] = []
        hooks = [
            self.model.get_submodule(path).register_forward_hook(lambda _module, _inputs, output: asked.append(output))
            for path in self.protocol.shapes_of
        ]
        try:
            encoded = self.model.encode_video(video, video_mask)
            output = self.model.ground(encoded, self.model.encode_query(word_ids, char_ids))
        finally:
            for hook in hooks:
                hook.remove()
        names = self.protocol.returns
        returned = [getattr(output, name) for name in names] if names else output
        return (*_real_tensors(returned), *asked)


def _real_tensors(output: object) -> Iterator[Tensor]:
    """Of any structure; masks and indices are none."""
    if isinstance(output, Tensor):
        if output.is_floating_point():
            yield output
    elif dataclasses.is_dataclass(output) and not isinstance(output, type):
        for field in dataclasses.fields(output):
            yield from _real_tensors(getattr(output, field.name))
    elif isinstance(output, list | tuple):
        for item in output:
            yield from _real_tensors(item)


def configured(entry: Entry, *, official: bool) -> ModelConfig:
    """The published configuration with the hypothesis' settings."""
    settings = list(entry.protocol.settings) if entry.protocol else []
    return override(preset(entry.model, entry.dataset).config, [*settings, f"official={official}".lower()])


def published_subject(entry: Entry, protocol: Protocol) -> Subject:
    """The model as published, with the inputs of the hypothesis."""
    config = configured(entry, official=True)
    shape = published_shape(entry.dataset, config, protocol)
    config = _taking(config, shape)
    return Subject(build_model(entry.model, config, shape), make_batch(shape, config.feature_dim, 1), shape)


def published_shape(dataset: str, config: ModelConfig, protocol: Protocol) -> Shape:
    """The inputs of the hypothesis."""
    text = text_of(dataset)
    return Shape(
        protocol.clips or config.max_clips,
        protocol.words,
        protocol.chars,
        text.word_vocabulary,
        protocol.alphabet or text.char_vocabulary,
    )


def same_pass(made: Subject, protocol: Protocol) -> tuple[int, Crosscheck]:
    """Exact multiply-adds of the published forward pass, and what fvcore says of it."""
    forward, inputs = Forward(made.model, protocol), tensors_of(made.batch)

    def run(_: StageTracker) -> object:
        return forward(*inputs)

    macs = summarise(operators(forward, run, {}, plain)).macs
    return macs, crosscheck(forward, run, forward, inputs, macs)


def inference_macs(name: str, config: ModelConfig, shape: Shape) -> int:
    """Exact multiply-adds of one inference, decoding included."""
    config = _taking(config, shape)
    model = build_model(name, config, shape)
    return summarise(operators(model, staged_run(model, make_batch(shape, config.feature_dim, 1)), {}, plain)).macs


def _taking(config: ModelConfig, shape: Shape) -> ModelConfig:
    """A configuration that takes all words of the input."""
    return dataclasses.replace(config, max_words=max(shape.num_words, config.max_words))
