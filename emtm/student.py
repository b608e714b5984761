"""EMTM's student (arXiv 2308.03725): SeqPAN without its dual-attention blocks.

Trained alone it is the released code's `BaseFast`. Follows renjie-liang/EMET @fc99f61, with two
departures unless `config.official` is set: padding never leaks into valid positions, and the
context-query attention multiplies in the cheaper order (same values). The released code pads
every video to `max_clips` and scores depend on how far; here a prediction does not depend on
batch mates or padding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from emtm.contract import ModelInfo, Preset, Recipe
from emtm.layers.span.model import SpanModel, SpanModelConfig

_PUBLISHED = Recipe(warmup_epochs=2)
# Without a warm-up, Adam's uncorrected first steps can leave attention on a plateau for epochs.
_COMPACT = Recipe(learning_rate=1e-3, warmup_epochs=1, epochs=14, patience=6)


class EMTMStudent(SpanModel):
    """The student at inference, or trained on the hard labels alone."""

    name: ClassVar[str] = "emtm-student"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="EMTM student (BaseFast)",
        role="student",
        paper="arXiv 2308.03725",
        reference_code="renjie-liang/EMET @fc99f61",
        reference_licence="none stated",
    )
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(SpanModelConfig(max_clips=64, max_words=20, dropout=0.4, match_extension=2), _PUBLISHED),
        "activitynet-captions": Preset(SpanModelConfig(max_clips=100, max_words=30, match_extension=2), _PUBLISHED),
        "tacos": Preset(SpanModelConfig(max_clips=256, max_words=30, char_dim=50, match_extension=2), _PUBLISHED),
        "compact": Preset(
            SpanModelConfig(max_clips=64, max_words=30, dim=32, heads=4, char_dim=16, dropout=0.1, match_extension=1),
            _COMPACT,
        ),
        "wide": Preset(
            SpanModelConfig(max_clips=64, max_words=30, dim=96, heads=4, char_dim=16, dropout=0.1, match_extension=1),
            replace(_COMPACT, warmup_epochs=0, epochs=20),
        ),
    }
