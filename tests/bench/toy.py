"""A grounding model small enough that every cost of it is known by hand."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.backends.eager import EAGER
from bench.cases import Case, TrainedRun
from bench.execution import Execution, Runner
from bench.record import Provenance, TeacherRecord
from bench.subjects import Shape, make_batch
from emtm.contract import GroundingModel, Losses, ModelConfig, ModelInfo, Preset, Recipe
from emtm.data.batch import Batch
from emtm.data.text import Lexicon

DIM = 4
CONFIG = ModelConfig(feature_dim=8, word_dim=5, max_clips=6, max_words=3)
SHAPE = Shape(num_clips=6, num_words=3, num_chars=4, word_vocabulary=10, char_vocabulary=7)


@dataclass(frozen=True)
class ToyOutput:
    logits: Tensor


TRAINED = TrainedRun(
    Path("run"),
    3,
    "recipe",
    "sha",
    Provenance(
        preset="compact",
        settings=("epochs=1",),
        recipe=("learning_rate=0.1", "epochs=1"),
        teachers=(TeacherRecord(name="seqpan", config_hash="c", weights_sha256="w", labels_sha256="l", seed=0),),
    ),
)
"""Of a taught student; there is no such directory."""


class Toy(GroundingModel[Tensor, Tensor, ToyOutput]):
    """Projects both sides to DIM and scores clips by their product with the query."""

    name = "toy"
    info = ModelInfo("Toy", "student", "none", "none", "none")
    config_class = ModelConfig
    presets: ClassVar = {"charades-sta": Preset(CONFIG, Recipe())}
    stages: ClassVar = {"project": "video_proj", "words": "text_embed", "absent": "localise"}

    def __init__(self, config: ModelConfig, lexicon: Lexicon) -> None:
        super().__init__(config, lexicon)
        self.vectors: Tensor
        self.register_buffer("vectors", lexicon.vectors)
        self.project = nn.Linear(config.feature_dim, DIM)
        self.words = nn.Linear(config.word_dim, DIM)
        self.mix = nn.Linear(DIM, DIM)
        self.training_only = nn.Linear(DIM, 2)

    def encode_video(self, video: Tensor, video_mask: Tensor) -> Tensor:
        return self.mix(self.project(video)) * video_mask.unsqueeze(2)

    def encode_query(self, word_ids: Tensor, char_ids: Tensor) -> Tensor:
        return self.mix(self.words(F.embedding(word_ids - 2, self.vectors)).mean(1))

    def ground(self, video: Tensor, query: Tensor) -> ToyOutput:
        return ToyOutput(torch.bmm(video, query.unsqueeze(2)).squeeze(2))

    def loss(self, output: ToyOutput, batch: Batch) -> Losses:
        assert batch.targets is not None
        total = F.cross_entropy(output.logits, batch.targets.start_index)
        return Losses(total, {"span": total})

    def moments(self, output: ToyOutput, duration_s: Tensor, top_k: int = 1) -> Tensor:
        score, start = output.logits.softmax(1).max(1)
        begin = start * duration_s / output.logits.shape[1]
        return torch.stack([begin, duration_s, score], 1).unsqueeze(1)

    def span_distribution(self, output: ToyOutput) -> Tensor:
        return output.logits.softmax(1).unsqueeze(1).expand(-1, 2, -1)


def toy(config: ModelConfig = CONFIG) -> Toy:
    torch.manual_seed(0)
    return Toy(config, Lexicon(torch.randn(SHAPE.word_vocabulary - 2, 5), SHAPE.char_vocabulary)).eval()


def toy_case(**changes: object) -> Case:
    case = Case("toy", "emtm-student", "charades-sta", CONFIG, SHAPE, "single_stream", Execution(), 1)
    return dataclasses.replace(case, **changes)  # type: ignore[arg-type]


def toy_runner(model: Toy) -> Runner:
    return EAGER.build(model, Execution(), make_batch(SHAPE, CONFIG.feature_dim, 1))
