"""SeqPAN (Zhang et al., ACL Findings 2021), the TensorFlow original.

The shared encoder, two dual-attention blocks, and the span head that EMTM's student keeps. EMTM
trains it beside the student as the isomorphic teacher. Follows 26hzhang/SeqPAN @0512ac3 and the
`t0` branch of renjie-liang/EMET @fc99f61.

Known defects of that code and what is done here:

* Convolutions run over padding and the character maximum over a batch's longest word, so a
  prediction depends on its batch mates. Masked here unless `config.official` is set.
* The original samples Gumbel noise in the match head, at test time too, which makes predictions
  random. EMTM switches it off; it is not used here.
* The context-query attention multiplies in the dearer order; kept under `config.official`.

The PyTorch port in TSGVZoo differs from this model in at least eight places and is not it.
"""

from __future__ import annotations

from typing import ClassVar

from emtm.contract import ModelInfo, Preset, Recipe
from emtm.data.text import Lexicon
from emtm.layers.span.dual_attention import DualAttentionStack
from emtm.layers.span.head import SpanOutput
from emtm.layers.span.model import EncodedQuery, EncodedVideo, SpanModel, SpanModelConfig

_PUBLISHED = Recipe()
_COMPACT = Recipe(learning_rate=1e-3, epochs=24, patience=6)


class SeqPAN(SpanModel):
    """Dual attention between video and query, then the span head."""

    name: ClassVar[str] = "seqpan"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="SeqPAN",
        role="teacher",
        paper="Zhang et al., ACL Findings 2021",
        reference_code="26hzhang/SeqPAN @0512ac3",
        reference_licence="MIT",
    )
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(SpanModelConfig(max_clips=64, max_words=30, char_dim=50), _PUBLISHED),
        "activitynet-captions": Preset(SpanModelConfig(max_clips=100, max_words=30), _PUBLISHED),
        "tacos": Preset(SpanModelConfig(max_clips=256, max_words=30, char_dim=50), _PUBLISHED),
        "compact": Preset(
            SpanModelConfig(max_clips=64, max_words=30, dim=32, heads=4, char_dim=16, dropout=0.1), _COMPACT
        ),
        "wide": Preset(
            SpanModelConfig(max_clips=64, max_words=30, dim=64, heads=4, char_dim=16, dropout=0.1), _COMPACT
        ),
    }

    def __init__(self, config: SpanModelConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        self.dual_attention = DualAttentionStack(
            config.dim, config.heads, dropout=config.dropout, official=config.official
        )

    def ground(self, video: EncodedVideo, query: EncodedQuery) -> SpanOutput:
        """Span logits of every pair of video and query."""
        attended = self.dual_attention(video[0], query[0], video[1], query[1])
        return self.head(*attended, video[1], query[1])  # type: ignore[no-any-return]
