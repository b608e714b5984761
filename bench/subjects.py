"""What is measured: a model, inputs of a fixed shape, and the ways to call one with the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bench.instruments.stages import StageTracker
from emtm.contract import ModelConfig
from emtm.data.batch import Batch, Targets
from emtm.data.text import Lexicon
from emtm.registry import AnyModel, model_class

SEED = 0
PARITY_TOLERANCE = 1e-5


class InvalidOutputError(Exception):
    """A model's output is not finite, or its two ways of running disagree."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of one query's input, and of the vocabulary its ids come from."""

    num_clips: int
    num_words: int
    num_chars: int
    word_vocabulary: int
    """Word ids, padding and unknown included."""
    char_vocabulary: int
    """Character ids, padding and unknown included."""


def build_model(name: str, config: ModelConfig, shape: Shape) -> AnyModel:
    """Model with seeded random weights and word vectors, in eval mode."""
    torch.manual_seed(SEED)
    lexicon = Lexicon(torch.randn(shape.word_vocabulary - 2, config.word_dim) * 0.3, shape.char_vocabulary)
    model = model_class(name)(config, lexicon)
    return model.eval()


TEACHERS = 3
"""Heterogeneous teachers whose soft labels come with a training batch, as in EMTM's paper."""


def make_batch(shape: Shape, feature_dim: int, size: int, seed: int = SEED, *, targets: bool = False) -> Batch:
    """Seeded inputs without padding: every clip, word and character is real.

    Targets include soft labels, which models that are not taught do not read.
    """
    generator = torch.Generator().manual_seed(seed)
    words, clips = shape.num_words, shape.num_clips

    def ids(top: int, *sizes: int) -> Tensor:
        return torch.randint(2, max(top, 3), sizes, generator=generator)

    duration = torch.full((size,), 30.0)
    batch = Batch(
        video=torch.randn(size, clips, feature_dim, generator=generator),
        video_mask=torch.ones(size, clips, dtype=torch.bool),
        word_ids=ids(shape.word_vocabulary, size, words),
        char_ids=ids(shape.char_vocabulary, size, words, shape.num_chars),
        query_mask=torch.ones(size, words, dtype=torch.bool),
        duration_s=duration,
        query_ids=tuple(str(i) for i in range(size)),
    )
    if not targets:
        return batch
    start = torch.randint(0, max(clips // 2, 1), (size,), generator=generator)
    end = (start + clips // 4).clamp(max=clips - 1)
    moment = torch.stack([start, end + 1], 1) / clips * duration[:, None]
    soft = torch.rand(size, TEACHERS, 2, clips, generator=generator)
    return dataclasses.replace(batch, targets=Targets(start, end, moment, soft / soft.sum(3, keepdim=True)))


def infer(model: AnyModel, batch: Batch) -> Tensor:
    """The best moment of every query, `[B, 1, 3]`."""
    video = model.encode_video(batch.video, batch.video_mask)
    query = model.encode_query(batch.word_ids, batch.char_ids)
    return model.moments(model.ground(video, query), batch.duration_s)


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


def predictions(model: AnyModel, batch: Batch) -> list[Tensor]:
    """What a prediction depends on: the span distribution and the scores of the moments."""
    output = model(batch)
    return [model.span_distribution(output), model.moments(output, batch.duration_s)]


CHECK_CALLS = 2
"""Inferences that `check_output` takes: one in parts, one as a whole."""


def check_output(model: AnyModel, batch: Batch) -> None:
    """Raises InvalidOutputError unless outputs are finite and the split path equals `forward`."""
    with torch.inference_mode():
        video = model.encode_video(batch.video, batch.video_mask)
        query = model.encode_query(batch.word_ids, batch.char_ids)
        output = model.ground(video, query)
        split = model.span_distribution(output)
        whole = model.span_distribution(model(batch))
        moments = model.moments(output, batch.duration_s)
    if not (torch.isfinite(split).all() and torch.isfinite(moments).all()):
        raise InvalidOutputError("the output is not finite")
    worst = float((split - whole).abs().max())
    if worst > PARITY_TOLERANCE:
        raise InvalidOutputError(f"encoding apart and forward differ by {worst:.2g} in span probability")


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
    """Rows of an encoding, whatever its structure: tensors, sequences, mappings, dataclasses."""
    if isinstance(encoded, Tensor):
        return encoded[rows] if encoded.dim() else encoded
    if isinstance(encoded, dict):
        return {key: take_rows(value, rows) for key, value in encoded.items()}
    if isinstance(encoded, tuple) and hasattr(encoded, "_fields"):
        return type(encoded)(*(take_rows(value, rows) for value in encoded))
    if isinstance(encoded, list | tuple):
        return type(encoded)(take_rows(value, rows) for value in encoded)
    if dataclasses.is_dataclass(encoded) and not isinstance(encoded, type):
        changes = {f.name: take_rows(getattr(encoded, f.name), rows) for f in dataclasses.fields(encoded)}
        return dataclasses.replace(encoded, **changes)
    return encoded
