"""A model as ONNX graphs: of the whole, and for videos that many sentences are asked of, of its two steps."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.deploy.encodings import changed, tensors_in
from emtm.deploy.operators import OPSET, known

VIDEO, QUERY = ("video", "video_mask"), ("word_ids", "char_ids", "duration_s")
ANSWERS = ("best", "moments", "distribution")
"""Best moment `[B, 1, 3]`, `top_k` moments `[B, K, 3]` and span distribution `[B, 2, L]`: ask for what you need."""
_BATCH, _CLIPS, _WORDS, _CHARS = 3, 17, 11, 7
"""Sizes of the example that is traced; an axis of an encoding that has one of the first two is taken for it."""


class UnsupportedError(Exception):
    """The model has a part that cannot be exported; the text says which."""


@dataclass(frozen=True, slots=True)
class Graphs:
    """Serialised ONNX graphs of a model."""

    whole: bytes
    """`video`, `video_mask`, `word_ids`, `char_ids`, `duration_s` -> `ANSWERS`."""
    encode: bytes | None
    """`video`, `video_mask` -> the video's encoding; None where it cannot be computed without a query."""
    ground: bytes | None
    """The encoding, `word_ids`, `char_ids`, `duration_s` -> `ANSWERS`."""


def tensors(batch: Batch) -> dict[str, Tensor]:
    """What a graph is given of a batch, by name."""
    return {name: getattr(batch, name) for name in (*VIDEO, *QUERY)}


def graphs(model: AnyModel, top_k: int, *, steps: bool) -> Graphs:
    """Graphs of a model in eval mode, with free numbers of queries, clips, words and characters.

    Raises UnsupportedError where torch cannot write a part of the model as ONNX.
    """
    batch = _example(model)
    given = tensors(batch)
    whole = _exported(_Whole(model, top_k), given, ANSWERS, {})
    if not steps or not model.separable:
        return Graphs(whole, None, None)
    with torch.no_grad():
        encoded = model.encode_video(batch.video, batch.video_mask)
    leaves = tensors_in(encoded)
    names = tuple(f"encoded_{i}" for i in range(len(leaves)))
    axes = {name: _axes(leaf) for name, leaf in zip(names, leaves, strict=True)}
    encode = _exported(_Encode(model), {name: given[name] for name in VIDEO}, names, axes)
    asked = {name: given[name] for name in QUERY}
    ground = _exported(_Ground(model, top_k, encoded), dict(zip(names, leaves, strict=True)) | asked, ANSWERS, axes)
    return Graphs(whole, encode, ground)


class _Whole(nn.Module):
    def __init__(self, model: AnyModel, top_k: int) -> None:
        super().__init__()
        self.model, self.top_k = model, top_k

    def forward(
        self, video: Tensor, video_mask: Tensor, word_ids: Tensor, char_ids: Tensor, duration_s: Tensor
    ) -> tuple[Tensor, ...]:
        encoded = self.model.encode_video(video, video_mask)
        return _answers(self.model, encoded, word_ids, char_ids, duration_s, self.top_k)


class _Encode(nn.Module):
    def __init__(self, model: AnyModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, video: Tensor, video_mask: Tensor) -> tuple[Tensor, ...]:
        # A mask that goes through untouched would be no output of the graph.
        return tuple(leaf.clone() for leaf in tensors_in(self.model.encode_video(video, video_mask)))


class _Ground(nn.Module):
    def __init__(self, model: AnyModel, top_k: int, example: Any) -> None:
        super().__init__()
        self.model, self.top_k, self._example = model, top_k, example

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        leaves = iter(inputs[: -len(QUERY)])
        encoded = changed(self._example, lambda _: next(leaves))
        word_ids, char_ids, duration_s = inputs[-len(QUERY) :]
        return _answers(self.model, encoded, word_ids, char_ids, duration_s, self.top_k)


def _answers(
    model: AnyModel, encoded: Any, word_ids: Tensor, char_ids: Tensor, duration_s: Tensor, top_k: int
) -> tuple[Tensor, Tensor, Tensor]:
    output = model.ground(encoded, model.encode_query(word_ids, char_ids))
    best, several = model.moments(output, duration_s), model.moments(output, duration_s, top_k)
    return best, several, model.span_distribution(output)


def _exported(
    module: nn.Module, given: Mapping[str, Tensor], answers: Sequence[str], axes: Mapping[str, dict[int, str]]
) -> bytes:
    stream = io.BytesIO()
    try:
        with torch.no_grad(), known(), _quiet():
            torch.onnx.export(
                module.eval(),
                tuple(given.values()),
                stream,  # type: ignore[arg-type]  # a buffer is taken too
                input_names=list(given),
                output_names=list(answers),
                dynamic_axes={**_AXES, **axes},
                opset_version=OPSET,
                dynamo=False,
            )
    except (RuntimeError, TypeError, ValueError) as error:
        raise UnsupportedError(str(error).splitlines()[0]) from error
    return stream.getvalue()


@contextmanager
def _quiet() -> Iterator[None]:
    """Parity is checked later: the tracer warns of every branch and, past Python, prints its graph when it fails."""
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)


_AXES: Mapping[str, dict[int, str]] = {
    "video": {0: "queries", 1: "clips"},
    "video_mask": {0: "queries", 1: "clips"},
    "word_ids": {0: "queries", 1: "words"},
    "char_ids": {0: "queries", 1: "words", 2: "chars"},
    "duration_s": {0: "queries"},
    "best": {0: "queries"},
    "moments": {0: "queries"},
    "distribution": {0: "queries", 2: "clips"},
}


def _axes(leaf: Tensor) -> dict[int, str]:
    """Free axes of an encoding, told by the sizes of the example."""
    sizes = {_BATCH: "queries", _CLIPS: "clips"}
    return {axis: sizes[size] for axis, size in enumerate(leaf.shape) if size in sizes}


def _example(model: AnyModel) -> Batch:
    config = model.config
    clips = config.max_clips if config.official else min(_CLIPS, config.max_clips)
    words = min(_WORDS, config.max_words)
    return random_batch(model, [clips, max(1, clips // 2), 1][:_BATCH], [words, max(1, words // 2), 1], seed=0)


def random_batch(model: AnyModel, clips: Sequence[int], words: Sequence[int], seed: int) -> Batch:
    """Random features and ids of so many clips and words a sample, padded as the loader pads."""
    config, lot = model.config, torch.Generator().manual_seed(seed)
    length, longest = config.max_clips if config.official else max(clips), max(words)
    num_words, num_chars = model.lexicon_size
    video_mask = torch.arange(length) < torch.tensor(clips)[:, None]
    query_mask = torch.arange(longest) < torch.tensor(words)[:, None]
    spelled = torch.randint(1, _CHARS + 1, (len(words), longest, 1), generator=lot)
    char_mask = query_mask[:, :, None] & (torch.arange(_CHARS) < spelled)
    features = torch.randn(len(clips), length, config.feature_dim, generator=lot)
    return Batch(
        video=features * video_mask[:, :, None],
        video_mask=video_mask,
        word_ids=torch.randint(1, num_words, query_mask.shape, generator=lot) * query_mask,
        char_ids=torch.randint(1, num_chars, char_mask.shape, generator=lot) * char_mask,
        query_mask=query_mask,
        duration_s=5 + 100 * torch.rand(len(clips), generator=lot),
    )
