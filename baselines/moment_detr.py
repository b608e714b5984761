"""Moment-DETR (Lei et al., NeurIPS 2021): a transformer over clips and words, and queries that become spans.

Clips and words are encoded together; ten learned queries then read the memory, and each predicts one
span and whether it is the moment asked for. Follows line/lighthouse @d095eaa
(`lighthouse/common/moment_detr.py`), after jayleicn/moment_detr.

Known defects of that code and what is done here:

* The saliency head, and the span and class heads of all decoder layers but the last, run at inference,
  where nothing reads them. Here they run in training alone; `config.official` runs them always.
* Positions of words are built and never used. They exist under `config.official` alone.
* Predicted boundaries are rounded to whole clips, which costs accuracy. Not here, unless
  `config.official` is set.
* A video of more than 75 clips is cut, but its moments are not. Here it is pooled to 75;
  `resampling=lighthouse`, with a `feature_dim` of 2818, cuts as published. TACoS is not cut: its
  limit of 150 clips here is what the published costs were measured at.

The original's words are the token states of CLIP's text encoder, begin and end included; here they
are looked up among the dataset's word vectors. It divides the learning rate by ten at every fortieth
of 200 epochs on Charades-STA and TACoS; here it falls linearly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from emtm.contract import ModelConfig, ModelInfo, Preset
from emtm.data.text import Lexicon
from emtm.layers.detr.model import DETRConfig, DETRModel, DETROutput, Encoded
from emtm.layers.detr.presets import detr_presets
from emtm.layers.detr.set_prediction import saliency_margin_loss
from emtm.layers.detr.transformer import (
    AttentionLayer,
    MultiHeadAttention,
    extend_positions,
    feed_forward,
    join,
    mlp,
    sine_positions,
)
from emtm.layers.dropout import Dropout
from emtm.layers.encoder import linear
from emtm.layers.masking import key_bias


class DecoderLayer(nn.Module):
    """Post-norm attention of queries to each other, then to the memory, then a feed-forward block."""

    def __init__(self, dim: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attention = MultiHeadAttention(dim, heads, dropout)
        self.cross_attention = MultiHeadAttention(dim, heads, dropout)
        self.feed_forward = feed_forward(dim, hidden, dropout, nn.ReLU())
        self.norm_1, self.norm_2, self.norm_3 = (nn.LayerNorm(dim) for _ in range(3))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, query_position: Tensor, memory: Tensor, keys: Tensor, bias: Tensor) -> Tensor:
        """Queries `[B, Q, D]`, memory `[B, L, D]`, the memory with positions as `keys` -> `[B, Q, D]`."""
        placed = x + query_position
        x = self.norm_1(x + self.dropout(self.self_attention(placed, placed, x)))
        x = self.norm_2(x + self.dropout(self.cross_attention(x + query_position, keys, memory, bias)))
        return self.norm_3(x + self.dropout(self.feed_forward(x)))  # type: ignore[no-any-return]


class MomentDETR(DETRModel[Encoded, DETROutput]):
    """Encoder over clips and words, decoder over learned queries, heads for span and class."""

    name: ClassVar[str] = "moment-detr"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="Moment-DETR",
        role="baseline",
        paper="Lei et al., NeurIPS 2021",
        reference_code="line/lighthouse @d095eaa",
        reference_licence="Apache-2.0; jayleicn/moment_detr: MIT",
    )
    config: DETRConfig
    config_class: ClassVar[type[ModelConfig]] = DETRConfig
    presets: ClassVar[dict[str, Preset]] = detr_presets(DETRConfig)
    stages: ClassVar[dict[str, str]] = {
        "words": "text_embed",
        "video_projection": "video_proj",
        "decoder": "localise",
        "span_head": "localise",
        "class_head": "localise",
        "branch": "localise",
    }

    def __init__(self, config: DETRConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim, heads, hidden, dropout = config.dim, config.heads, config.feed_forward, config.dropout
        self.encoder = nn.ModuleList(
            AttentionLayer(dim, heads, hidden, dropout, nn.ReLU) for _ in range(config.encoder_layers)
        )
        self.decoder = nn.ModuleList(DecoderLayer(dim, heads, hidden, dropout) for _ in range(config.decoder_layers))
        self.norm = nn.LayerNorm(dim)
        self.queries = nn.Parameter(torch.randn(config.num_queries, dim))
        self.span_head, self.class_head = mlp(dim, dim, dim, 2), linear(dim, 2)

    def training_branch(self) -> nn.ModuleDict:
        """The saliency head."""
        return nn.ModuleDict({"saliency": linear(self.config.dim, 1)})

    def encode_video(self, video: Tensor, video_mask: Tensor) -> Encoded:
        """`[B, L, V]`, `[B, L]` -> `[B, L, D]` and the mask."""
        return self.video_projection(self.clip_inputs(video, video_mask)), video_mask

    def ground(self, video: Encoded, query: Encoded) -> DETROutput:
        """Spans and their classes for every pair of video and query."""
        mask = video[1]
        memory, valid = join(video, query)
        bias = key_bias(valid)
        position = extend_positions(sine_positions(mask, self.config.dim), memory.shape[1])
        for layer in self.encoder:
            memory = layer(memory, position, bias)
        keys, x, states = memory + position, self.queries.new_zeros(memory.shape[0], *self.queries.shape), []
        for layer in self.decoder:
            x = layer(x, self.queries, memory, keys, bias)
            states.append(x)
        normed = self.norm(torch.stack(states if self.every_layer() else states[-1:]))
        branch = self.running_branch()
        saliency = None if branch is None else branch["saliency"](memory[:, : mask.shape[1]]).squeeze(2)
        return DETROutput(self.class_head(normed), torch.sigmoid(self.span_head(normed)), mask, saliency)

    def branch_losses(self, output: DETROutput, inside: Tensor) -> Mapping[str, tuple[float, Tensor]]:
        """Hinge between clips inside and outside the moment."""
        if output.saliency is None:
            return {}
        hinge = saliency_margin_loss(output.saliency, inside, output.video_mask)
        return {"saliency": (self.config.saliency_weight, hinge)}
