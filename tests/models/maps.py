"""Small random models that score a moment map."""

from typing import Any

import torch

from emtm.contract import AnyModel
from emtm.data.text import Lexicon
from emtm.registry import model_class

_SHARED: dict[str, Any] = {
    "feature_dim": 20,
    "word_dim": 12,
    "max_clips": 32,
    "max_words": 12,
    "map_clips": 16,
    "dim": 16,
}
_OWN: dict[str, dict[str, Any]] = {
    "tan2d": {"pooling_counts": (3, 2, 2), "kernel": 3, "layers": 3, "query_layers": 2},
    "cca": {"pooling_counts": (3, 2, 2), "num_concepts": 8, "query_layers": 2, "ffn_dim": 24},
    "ban-apr": {
        "pooling_counts": (5, 3, 1),
        "lstm_layers": 2,
        "contrast_dim": 8,
        "peaks": 4,
        "neighbours": 2,
        "dropout": 0.0,
    },
}


def small_map_model(name: str, *, seed: int = 0, **changes: Any) -> AnyModel:
    """A tiny model."""
    torch.manual_seed(seed)
    kind = model_class(name)
    settings = {**_SHARED, **_OWN[name], **changes}
    model = kind(kind.config_class(**settings), Lexicon(torch.randn(30, 12), 16))
    for parameter in model.parameters():
        # Fresh biases are zero and could hide a leak; small scores make small differences.
        torch.nn.init.normal_(parameter, std=0.3) if parameter.dim() == 1 else None
    return model.eval()
