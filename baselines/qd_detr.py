"""QD-DETR (Moon et al., CVPR 2023): clips that have read the query before they are encoded.

Cross-attention layers take the words into the clips, and words play no part thereafter; a token
beside the clips learns what makes a clip salient. The decoder's queries are spans that are refined
from layer to layer. In training every video is also paired with another query of the batch, for
which no clip may be salient. Follows line/lighthouse @d095eaa (`lighthouse/common/qd_detr.py`), after
wjun0830/QD-DETR.

Known defects of that code and what is done here:

* The second pass, with the wrong query, runs at inference and takes the decoder along, though only
  the saliency loss reads its encoder: 44 % of all products. Here it runs in training alone, without
  the decoder; `config.official` runs it always, whole.
* In a batch of one, the wrong query is the right one. Here there is no second pass then, unless
  `config.official` is set.
* The spans are refined once more after the last decoder layer, for nothing. Under `config.official` alone.
* What `baselines.moment_detr` says of heads at inference, positions of words, rounding, clips, words and
  learning rate holds here.
* The ranking loss is made for twelve levels of saliency; where clips are inside or outside, it weighs
  a twelfth. Kept.
* The sinusoids of the spans are 128 wide whatever the model's width is; here they follow it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.contract import ModelConfig, ModelInfo, Preset
from emtm.data.text import Lexicon
from emtm.layers.detr.conditional_decoder import ConditionalDecoder, ConditionalLayer
from emtm.layers.detr.model import DETRConfig, DETRModel, DETROutput, Encoded
from emtm.layers.detr.presets import detr_presets
from emtm.layers.detr.set_prediction import saliency_margin_loss
from emtm.layers.detr.transformer import AttentionLayer, inverse_sigmoid, mlp, sine_positions
from emtm.layers.encoder import linear
from emtm.layers.masking import key_bias, mask_logits

TEMPERATURE = 0.5
"""Of the ranking loss."""
RANK_WEIGHT = 1 / 12
"""Weight of the ranking loss where saliency has one level of the twelve it is made for."""


@dataclass(frozen=True, slots=True)
class QDDETROutput(DETROutput):
    """`DETROutput`, and the saliency of the clips for a query that is not asked of them, `[B, L]`."""

    wrong_saliency: Tensor | None


def ranking_loss(scores: Tensor, wrong: Tensor | None, inside: Tensor, mask: Tensor) -> Tensor:
    """Clips inside the moment against all clips, those with the `wrong` query too: mean of -log softmax.

    Scores are `[B, L]`; the mean is over the clips inside, then over the batch.
    """
    logits = mask_logits(scores / TEMPERATURE, mask)
    if wrong is not None:
        logits = torch.cat([logits, mask_logits(wrong / TEMPERATURE, mask)], 1)
    logs = logits.log_softmax(1)[:, : scores.shape[1]] * inside
    return -(logs.sum(1) / inside.sum(1).clamp_min(1)).mean()


class QDDETR(DETRModel[Encoded, QDDETROutput]):
    """Words into clips, encoder with a saliency token, decoder over learned spans."""

    name: ClassVar[str] = "qd-detr"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="QD-DETR",
        role="baseline",
        paper="Moon et al., CVPR 2023",
        reference_code="line/lighthouse @d095eaa",
        reference_licence="Apache-2.0; wjun0830/QD-DETR: MIT",
    )
    config: DETRConfig
    config_class: ClassVar[type[ModelConfig]] = DETRConfig
    presets: ClassVar[dict[str, Preset]] = detr_presets(DETRConfig)
    stages: ClassVar[dict[str, str]] = {
        "words": "text_embed",
        "video_projection": "video_proj",
        "decoder": "localise",
        "refine": "localise",
        "span_head": "localise",
        "class_head": "localise",
        "branch": "localise",
    }

    def __init__(self, config: DETRConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, sizes = config.dim, (config.dim, config.heads, config.feed_forward, config.dropout, nn.PReLU)
        self.text_encoder = nn.ModuleList(AttentionLayer(*sizes) for _ in range(config.encoder_layers))
        self.encoder = nn.ModuleList(AttentionLayer(*sizes) for _ in range(config.encoder_layers))
        layers = [ConditionalLayer(*sizes, first=index == 0) for index in range(config.decoder_layers)]
        self.decoder = ConditionalDecoder(layers, dim, dim // 2, predicted=False, refine_last=config.official)
        self.norm = nn.LayerNorm(dim)
        self.token, self.token_position = nn.Parameter(torch.randn(dim)), nn.Parameter(torch.randn(dim))
        self.anchors = nn.Parameter(torch.randn(config.num_queries, 2))
        self.refine, self.span_head = mlp(dim, dim, dim, 2), mlp(dim, dim, dim, 2)
        self.class_head = linear(dim, 2)

    def training_branch(self) -> nn.ModuleDict:
        """Projections of clips and token, whose product is the saliency."""
        dim = self.config.dim
        return nn.ModuleDict({"clips": linear(dim, dim), "token": linear(dim, dim)})

    def encode_video(self, video: Tensor, video_mask: Tensor) -> Encoded:
        """`[B, L, V]`, `[B, L]` -> `[B, L, D]` and the mask."""
        return self.video_projection(self.clip_inputs(video, video_mask)), video_mask

    def ground(self, video: Encoded, query: Encoded) -> QDDETROutput:
        """Spans and their classes for every pair of video and query."""
        mask = video[1]
        memory, token = self._encode(video, query)
        states, anchors = self._decode(memory, mask)
        if not self.every_layer():
            states, anchors = states[-1:], anchors[-1:]
        normed = self.norm(states)
        spans = torch.sigmoid(self.span_head(normed) + inverse_sigmoid(anchors))
        branch, saliency, wrong = self.running_branch(), None, None
        if branch is not None:
            saliency = self._saliency(branch, memory, token)
            if len(memory) > 1 or self.config.official:
                memory, token = self._encode(video, (query[0].roll(-1, 0), query[1].roll(-1, 0)))
                wrong = self._saliency(branch, memory, token)
                if self.config.official:
                    self._decode(memory, mask)
        return QDDETROutput(self.class_head(normed), spans, mask, saliency, wrong)

    def branch_losses(self, output: QDDETROutput, inside: Tensor) -> Mapping[str, tuple[float, Tensor]]:
        """Hinge and ranking of clips inside and outside, and no saliency for the wrong query."""
        scores, wrong, mask = output.saliency, output.wrong_saliency, output.video_mask
        if scores is None:
            return {}
        weight = self.config.saliency_weight
        losses = {
            "saliency": (weight, saliency_margin_loss(scores, inside, mask)),
            "rank": (weight * RANK_WEIGHT, ranking_loss(scores, wrong, inside, mask)),
        }
        if wrong is not None:
            # A sum over the clips, as published: a long video weighs more.
            losses["wrong"] = (weight, (F.softplus(wrong) * mask).sum(1).mean())
        return losses

    def _encode(self, video: Encoded, query: Encoded) -> tuple[Tensor, Tensor]:
        """Clips `[B, L, D]` and token `[B, D]` that know the query."""
        (clips, mask), (words, word_mask) = video, query
        position, to_words = sine_positions(mask, self.config.dim), key_bias(word_mask)
        for layer in self.text_encoder:
            clips = layer(clips, position, to_words, words)
        x = torch.cat([self.token.expand(clips.shape[0], 1, -1), clips], 1)
        position = torch.cat([self.token_position.expand(clips.shape[0], 1, -1), position], 1)
        bias = key_bias(torch.cat([mask.new_ones(mask.shape[0], 1), mask], 1))
        for layer in self.encoder:
            x = layer(x, position, bias)
        return x[:, 1:], x[:, 0]

    def _decode(self, memory: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States after and anchors before each layer, `[N, B, Q, D]` and `[N, B, Q, 2]`."""
        anchors = torch.sigmoid(self.anchors).expand(memory.shape[0], -1, -1)
        queries = memory.new_zeros(memory.shape[0], self.config.num_queries, self.config.dim)
        position = sine_positions(mask, self.config.dim)
        return self.decoder(queries, anchors, self.refine, memory, position, key_bias(mask))  # type: ignore[no-any-return]

    def _saliency(self, branch: nn.ModuleDict, memory: Tensor, token: Tensor) -> Tensor:
        """Scaled products of clips and token, `[B, L]`."""
        products: Tensor = branch["clips"](memory) * branch["token"](token).unsqueeze(1)
        return products.sum(2) / math.sqrt(self.config.dim)
