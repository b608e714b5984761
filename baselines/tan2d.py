"""2D-TAN (Zhang et al., AAAI 2020): every moment a cell of a map, scored with its neighbours.

Clips are pooled to N, candidate moments are max-pooled (`proposals="pool"`) or convolved
(`"conv"`) from them, multiplied with the sentence vector, and scored by convolutions over the
map. Follows microsoft/VideoX @1744b21 (`2D-TAN`).

Known defects of that code and what is done here:

* The whole padding of the convolution stack sits in its first layer, and the lower triangle, which
  holds no moments, is convolved too: half of all products reach no score. Left out here, with the
  same scores; kept under `config.official`.
* The published order puts the last of equal scores first (a reversed sort); here the first wins
  unless `config.official` is set.
* The fusion's projection of the map does not need the query; here it belongs to `encode_video`,
  so that it is cached with the video.
* The figure that code prints as mIoU is the mean of three of the top five IoUs, and `R@n` wants an
  IoU above the threshold where others accept equality; the suite's metrics are used instead.

The original's words are GloVe 6B; here they are whatever the dataset provides. It lowers the
learning rate on plateaus, trains with Adam at 1e-4 for 100 epochs and clips gradients to 10; the
plateau rule is replaced by a constant rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from emtm.contract import ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.text import Lexicon
from emtm.layers.map.conv import upper_conv
from emtm.layers.map.model import MapModel, MapModelConfig, MapOutput
from emtm.layers.map.moment_map import MomentGrid, max_pooled
from emtm.layers.map.stretch import stretch_mean
from emtm.layers.sentence import FrozenWords, last_valid

EncodedVideo = tuple[Tensor, Tensor]
_PUBLISHED = Recipe(
    optimizer="adam", schedule="constant", weight_decay=0.0, learning_rate=1e-4, batch_size=32, clip_norm=10.0
)
_COMPACT = Recipe(
    optimizer="adam", schedule="step-linear", weight_decay=0.0, learning_rate=5e-3, epochs=26, clip_norm=10.0
)


@dataclass(frozen=True, kw_only=True)
class TAN2DConfig(MapModelConfig):
    """Sizes of 2D-TAN."""

    max_clips: int = 256
    max_words: int = 30
    kernel: int = 5
    """Width of the map convolutions, odd."""
    layers: int = 8
    """Map convolutions."""
    query_layers: int = 3
    proposals: Literal["pool", "conv"] = "pool"
    normalize_features: bool = True
    """Scale every feature row to length 1, as the published loaders do."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is odd, not {self.kernel}")
        if self.max_clips % self.map_clips:
            raise ValueError(f"max_clips {self.max_clips} is no multiple of map_clips {self.map_clips}")


class ConvProposals(nn.Module):
    """Learned in place of the maximum: one convolution a diagonal, each on the diagonal before."""

    def __init__(self, dim: int, grid: MomentGrid) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv1d(dim, dim, *window) for window in [(1, 1), *grid.windows()])

    def forward(self, clips: Tensor, grid: MomentGrid) -> Tensor:
        """`[B, D, N]` -> `[B, C, D]`."""
        rows: list[Tensor] = []
        for conv in self.convs:
            rows.append(conv(rows[-1] if rows else clips))
        return grid.gatherdiagonals(rows)


class MapConv(nn.Module):
    """2D-TAN's stack of convolutions, each output divided by the number of valid cells under the kernel.

    Published code puts the padding of all layers into the first and convolves the whole square.
    By default each layer computes only what reaches a valid cell of the result: what lies further
    from the valid cells than the layers before reach is 0, and what lies further than the layers
    behind reach is not needed.
    """

    def __init__(self, dim: int, kernel: int, layers: int, mask: Tensor, *, official: bool = False) -> None:
        super().__init__()
        self.reach = kernel // 2
        self.official = official
        self.convs = nn.ModuleList(nn.Conv2d(dim, dim, kernel) for _ in range(layers))
        for index, weight in enumerate(_weights(mask, kernel, layers)):
            # Layers 1..index and index+1..layers: the fewer of both bound the frame around the map.
            frame = min(index + 1, layers - index - 1) * self.reach
            cut = 0 if official else (layers - index - 1) * self.reach - frame
            kept = weight[cut : weight.shape[0] - cut, cut : weight.shape[0] - cut]
            self.register_buffer(f"weight_{index}", kept.contiguous(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """`[B, D, N, N]` with 0 in cells that are no moments -> `[B, D, N, N]`."""
        layers, frame = len(self.convs), 0
        for index, conv in enumerate(self.convs):
            assert isinstance(conv, nn.Conv2d)
            if self.official:
                padding = layers * self.reach if index == 0 else 0
                x = F.conv2d(F.pad(x, (padding,) * 4), conv.weight, conv.bias)
            else:
                wider = min(index + 1, layers - index - 1) * self.reach
                x = upper_conv(x, conv, wider - frame + self.reach, 2 * wider)
                frame = wider
            x = F.relu(x) * self.get_buffer(f"weight_{index}")
        return x


class TAN2D(MapModel[EncodedVideo, Tensor]):
    """Frame pooling, moment map, Hadamard fusion with the sentence, convolutions over the map."""

    name: ClassVar[str] = "tan2d"
    info: ClassVar[ModelInfo] = ModelInfo(
        title="2D-TAN",
        role="baseline",
        paper="Zhang et al., AAAI 2020",
        reference_code="microsoft/VideoX @1744b21 (2D-TAN)",
        reference_licence="MIT",
    )
    config: TAN2DConfig
    config_class: ClassVar[type[ModelConfig]] = TAN2DConfig
    presets: ClassVar[dict[str, Preset]] = {
        "charades-sta": Preset(
            TAN2DConfig(feature_dim=4096, map_clips=16, pooling_counts=(15,), nms_iou=0.45), _PUBLISHED
        ),
        "activitynet-captions": Preset(
            TAN2DConfig(feature_dim=500, map_clips=64, pooling_counts=(15, 8, 8), kernel=9, layers=4), _PUBLISHED
        ),
        "tacos": Preset(
            TAN2DConfig(
                feature_dim=4096, map_clips=128, pooling_counts=(15, 8, 8, 8), min_iou=0.3, max_iou=0.7, nms_iou=0.4
            ),
            _PUBLISHED,
        ),
        "compact": Preset(
            TAN2DConfig(
                max_clips=64,
                map_clips=32,
                pooling_counts=(15, 8),
                dim=32,
                kernel=3,
                layers=4,
                query_layers=1,
                normalize_features=False,
            ),
            _COMPACT,
        ),
    }
    stages: ClassVar[dict[str, str]] = {
        "words": "text_embed",
        "frame": "video_proj",
        "map_conv": "localise",
        "score": "localise",
    }

    def __init__(self, config: TAN2DConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        dim = config.dim
        self.words = FrozenWords(lexicon.vectors)
        self.query_encoder = nn.LSTM(config.word_dim, dim, config.query_layers, batch_first=True)
        self.query_projection = nn.Linear(dim, dim)
        self.frame = nn.Linear(config.feature_dim, dim)
        self.proposals = ConvProposals(dim, self.grid) if config.proposals == "conv" else max_pooled
        self.map_projection = nn.Linear(dim, dim)
        self.map_conv = MapConv(dim, config.kernel, config.layers, self.grid.mask, official=config.official)
        self.score = nn.Linear(dim, 1)

    def encode_video(self, video: Tensor, video_mask: Tensor) -> EncodedVideo:
        """`[B, L, V]`, `[B, L]` -> features of the candidates `[B, C, D]` and the mask."""
        config = self.config
        video = F.normalize(video, dim=2) if config.normalize_features else video
        sampled = stretch_mean(video, video_mask.sum(1), config.max_clips)
        clips = F.relu(self.frame(sampled)).transpose(1, 2)
        candidates = self.proposals(F.avg_pool1d(clips, config.max_clips // config.map_clips), self.grid)
        if config.official:
            projected = self.map_projection(self.grid.spread(candidates))
            return self.grid.pick(projected), video_mask
        return self.map_projection(candidates), video_mask

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> Tensor:
        """`[B, T]` -> `[B, D]`; characters are not used."""
        # Padding trails the words, so a forward LSTM's last valid state never sees it.
        states = self.query_encoder(self.words(word_ids))[0]
        return self.query_projection(last_valid(states, word_ids > 0))  # type: ignore[no-any-return]

    def ground(self, video: EncodedVideo, query: Tensor) -> MapOutput:
        """Scores of every candidate of every pair of video and query."""
        candidates, mask = video
        fused = F.normalize(candidates * query.unsqueeze(1), dim=2)
        scored = self.map_conv(self.grid.spread(fused).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        if self.config.official:
            return MapOutput(self.grid.pick(self.score(scored)).squeeze(2), mask)
        return MapOutput(self.score(self.grid.pick(scored)).squeeze(2), mask)


def _weights(mask: Tensor, kernel: int, layers: int) -> list[Tensor]:
    """For each layer, one over the number of cells under the kernel that hold something, 0 where none does."""
    held = F.pad(mask.float(), (layers * (kernel // 2),) * 4)
    weights = []
    for _ in range(layers):
        # Counts by summed windows: exact, and without a product that a counter would book.
        count = held.unfold(0, kernel, 1).unfold(1, kernel, 1).sum((2, 3))
        held = (count > 0).float()
        weights.append(held / count.clamp_min(1.0))
    return weights
