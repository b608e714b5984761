"""The contract between a grounding model and everything else in the suite.

A model turns a video and a sentence into moments. It does so in three steps, so that the
query-independent part can be cached and each part can be measured by itself::

    video = model.encode_video(features, video_mask)      # once a video
    query = model.encode_query(word_ids, char_ids)        # once a sentence
    output = model.ground(video, query)                   # once a pair
    moments = model.moments(output, duration_s)           # [B, K, 3]

Models are found through the entry-point group ``emtm.models``; see `emtm.registry`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from torch import Tensor, nn

from emtm.config import check_fields
from emtm.data.batch import Batch
from emtm.data.resampling import Resampling
from emtm.data.text import Lexicon

VideoT = TypeVar("VideoT")
QueryT = TypeVar("QueryT")
OutputT = TypeVar("OutputT")

STAGES = ("text_embed", "video_proj", "text_encode", "video_encode", "fusion", "localise", "decode")
"""Names of the parts that cost and latency are broken down into, in the order they run."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Where a model comes from."""

    title: str
    role: Literal["student", "teacher", "baseline"]
    paper: str
    reference_code: str
    reference_licence: str


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Sizes every model has; each model's own config adds to them."""

    feature_dim: int = 1024
    """Width V of a video feature row."""
    word_dim: int = 300
    """Width of the pretrained word vectors."""
    max_clips: int
    """Longest clip sequence L; longer videos are brought to it by `resampling`."""
    max_words: int
    """Longest query T; the rest is cut."""
    resampling: Resampling = "mean"
    """How feature rows become clips; see `emtm.data.resampling`."""
    official: bool = False
    """Published behaviour to the bit, padding leaks and wasted products included."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is optimised."""

    optimizer: Literal["bert-adam", "adamw", "adam"] = "bert-adam"
    learning_rate: float = 1e-4
    weight_decay: float = 0.01
    warmup_epochs: int = field(default=0, metadata={"minimum": 0})
    """Epochs at `warmup_learning_rate` before the linear decay begins."""
    warmup_learning_rate: float = 1e-6
    schedule: Literal["epoch-linear", "step-linear", "inverse-sqrt", "constant"] = "epoch-linear"
    """Decay to zero over training, in steps of an epoch (SeqPAN, EMTM) or of a batch (VSLNet).

    `inverse-sqrt` rises to the rate over the warm-up and then falls with the root of training's length (CPL).
    """
    epochs: int = 100
    batch_size: int = 16
    clip_norm: float = 1.0
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16 runs the matrix products of training in bfloat16; weights stay in float32."""
    patience: int | None = None
    """Stop after this many epochs without a better validation mIoU; None never stops early."""

    def __post_init__(self) -> None:
        check_fields(self)

    def rate(self, progress: float) -> float:
        """Learning rate after `progress` epochs (a fraction within an epoch)."""
        if self.schedule == "inverse-sqrt":
            warmup = max(self.warmup_epochs, 1)
            if progress < warmup:
                return self.warmup_learning_rate + progress / warmup * (self.learning_rate - self.warmup_learning_rate)
            return float(self.learning_rate * (warmup / progress) ** 0.5)
        if progress < self.warmup_epochs:
            return self.warmup_learning_rate
        if self.schedule == "constant":
            return self.learning_rate
        passed = float(int(progress)) if self.schedule == "epoch-linear" else progress
        return self.learning_rate * (1.0 - passed / self.epochs)


@dataclass(frozen=True, slots=True)
class Preset:
    """A named configuration: model sizes and how to train them."""

    config: ModelConfig
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Losses:
    """The scalar to minimise, and its named terms for the log."""

    total: Tensor
    terms: Mapping[str, Tensor]


class GroundingModel(nn.Module, ABC, Generic[VideoT, QueryT, OutputT]):
    """Base class of every model in the suite."""

    name: ClassVar[str]
    info: ClassVar[ModelInfo]
    config_class: ClassVar[type[ModelConfig]]
    presets: ClassVar[Mapping[str, Preset]]
    """Keys: `charades-sta`, `activitynet-captions`, `tacos` (paper sizes) and `compact`."""
    separable: ClassVar[bool] = True
    """False for a model whose video encoding cannot be computed without the query."""
    taught: ClassVar[bool] = False
    """True for a model that learns from teachers' soft labels."""
    training_only: ClassVar[tuple[str, ...]] = ()
    """Submodules that `prepare_training` attaches; with `official` they are there from the start and always run."""
    unexportable: ClassVar[str] = ""
    """Why the model cannot be written as ONNX, and which part of it is to blame; empty where it can."""
    stages: ClassVar[Mapping[str, str]] = {}
    """Submodule path -> one of `STAGES`, where it differs from the enclosing method's own stage."""

    def __init__(self, config: ModelConfig, lexicon: Lexicon) -> None:
        super().__init__()
        self.config = config
        self.lexicon_size = (lexicon.vectors.shape[0] + 2, lexicon.num_chars)

    @abstractmethod
    def encode_video(self, video: Tensor, video_mask: Tensor) -> VideoT:
        """Query-independent encoding of clips `[B, L, V]` with mask `[B, L]`."""

    @abstractmethod
    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> QueryT:
        """Video-independent encoding of word ids `[B, T]` and character ids `[B, T, C]`."""

    @abstractmethod
    def ground(self, video: VideoT, query: QueryT) -> OutputT:
        """Fuse both encodings and score moments. Runs training-only branches in training mode alone."""

    @abstractmethod
    def loss(self, output: OutputT, batch: Batch) -> Losses:
        """Published training loss; raises ValueError when it reads targets and the batch has none."""

    @abstractmethod
    def moments(self, output: OutputT, duration_s: Tensor, top_k: int = 1) -> Tensor:
        """Best `top_k` moments, float `[B, top_k, 3]`: start and end in seconds, score; best first."""

    @abstractmethod
    def span_distribution(self, output: OutputT) -> Tensor:
        """Start and end distributions over clips, `[B, 2, L]`; each sums to 1, 0 on padding."""

    def prepare_training(self, num_teachers: int) -> None:
        """Attach what exists in training alone; called once, before the optimiser is built.

        `num_teachers` soft labels come with each batch, for a model that is `taught`.
        """

    @property
    def needs_held_out(self) -> bool:
        """Whether annotated queries are needed that no teacher was trained on, for a model that is `taught`."""
        return False

    def combined(self, labels: Tensor) -> Tensor:
        """One label `[B, 2, L]` of K teachers' `[B, K, 2, L]`, none known to be better than another.

        A query without a moment takes it from there.
        """
        return labels.mean(1)

    def on_progress(self, fraction: float) -> None:
        """Told before each epoch what fraction of training is done, for losses on a schedule."""

    def inference_state(self) -> dict[str, Tensor]:
        """The part of the state that predictions need, as a fresh model has it."""
        left_out = () if self.config.official else tuple(f"{name}." for name in self.training_only)
        return {name: value for name, value in self.state_dict().items() if not name.startswith(left_out)}

    def forward(self, batch: Batch) -> OutputT:
        """Ground every query of the batch."""
        video = self.encode_video(batch.video, batch.video_mask)
        query = self.encode_query(batch.word_ids, batch.char_ids)
        return self.ground(video, query)


AnyModel = GroundingModel[Any, Any, Any]
"""A model, whatever its encodings and its output are."""
