"""What is measured: a model with seeded weights, and inputs of a fixed shape."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from emtm.contract import AnyModel, ModelConfig
from emtm.data.batch import Batch, Targets
from emtm.data.text import Lexicon
from emtm.registry import model_class

SEED = 0


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
