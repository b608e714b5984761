"""Small random models and batches."""

from typing import Any

import torch

from emtm.contract import AnyModel
from emtm.data.batch import Batch, Targets
from emtm.data.text import Lexicon
from emtm.registry import model_class, preset

SMALL: dict[str, Any] = {"feature_dim": 20, "word_dim": 12, "max_clips": 24, "max_words": 12, "dim": 16, "heads": 4}


def small_model(name: str, *, official: bool = False, seed: int = 0, **changes: Any) -> AnyModel:
    """A tiny model of the span family."""
    torch.manual_seed(seed)
    kind = model_class(name)
    settings = {**SMALL, "char_dim": 6, "dropout": 0.0, "official": official, **changes}
    model = kind(kind.config_class(**settings), Lexicon(torch.randn(30, 12), 16))
    for parameter in model.parameters():
        # Fresh biases are zero and could hide a leak.
        torch.nn.init.normal_(parameter, std=0.3) if parameter.dim() == 1 else None
    return model.eval()


def paper_model(name: str, dataset: str, num_chars: int, *, official: bool = True, **changes: Any) -> AnyModel:
    """A model at its paper sizes, with a short word table."""
    import dataclasses

    kind = model_class(name)
    config = dataclasses.replace(preset(name, dataset).config, official=official, **changes)
    return kind(config, Lexicon(torch.zeros(5, config.word_dim), num_chars)).eval()


def ragged_batch(
    clips: list[int], words: list[int], chars: int = 7, seed: int = 0, feature_dim: int = 20, num_words: int = 30
) -> Batch:
    """Queries of different lengths; word and character ids are random."""
    generator = torch.Generator().manual_seed(seed)
    size, length, width = len(clips), max(clips), max(words)
    video_mask = torch.arange(length) < torch.tensor(clips)[:, None]
    query_mask = torch.arange(width) < torch.tensor(words)[:, None]
    video = torch.randn(size, length, feature_dim, generator=generator) * video_mask[..., None]
    word_ids = torch.randint(1, num_words + 2, (size, width), generator=generator) * query_mask
    spelled = torch.randint(1, chars + 1, (size, width, 1), generator=generator)
    char_ids = torch.randint(1, 16, (size, width, chars), generator=generator)
    char_ids = char_ids * (torch.arange(chars) < spelled) * query_mask[..., None]
    start = torch.tensor([c // 4 for c in clips])
    end = torch.tensor([c // 2 for c in clips])
    return Batch(
        video=video,
        video_mask=video_mask,
        word_ids=word_ids,
        char_ids=char_ids,
        query_mask=query_mask,
        duration_s=torch.tensor([float(c) for c in clips]),
        targets=Targets(start, end, torch.stack([start, end + 1], 1).float()),
    )
