"""Published and compact configurations of the DETR family, which lighthouse trains alike."""

from __future__ import annotations

from emtm.contract import Preset, Recipe
from emtm.layers.detr.model import DETRConfig

_PUBLISHED = Recipe(
    optimizer="adamw",
    schedule="constant",
    learning_rate=1e-4,
    weight_decay=1e-4,
    epochs=200,
    batch_size=32,
    clip_norm=0.1,
)
"""lighthouse's recipe for ActivityNet Captions and QVHighlights."""
_DECAYING = Recipe(
    optimizer="adamw",
    schedule="epoch-linear",
    learning_rate=2e-4,
    weight_decay=1e-4,
    epochs=200,
    batch_size=32,
    clip_norm=0.1,
)
"""Its recipe for Charades-STA and TACoS, whose rate it divides by ten at every fortieth epoch."""
_COMPACT = Recipe(optimizer="adamw", schedule="step-linear", learning_rate=1e-3, epochs=40, clip_norm=1.0)


def detr_presets(config: type[DETRConfig]) -> dict[str, Preset]:
    """Presets of a model of the family, by benchmark, in its own `config`."""
    small = config(
        feature_dim=1024,
        word_dim=300,
        max_clips=64,
        dim=64,
        heads=4,
        feed_forward=128,
        num_queries=5,
        input_dropout=0.1,
    )
    return {
        "charades-sta": Preset(config(), _DECAYING),
        "activitynet-captions": Preset(config(saliency_weight=1.0), _PUBLISHED),
        "tacos": Preset(config(max_clips=150, max_words=100), _DECAYING),
        "qvhighlights": Preset(config(saliency_weight=1.0), _PUBLISHED),
        "compact": Preset(small, _COMPACT),
    }
