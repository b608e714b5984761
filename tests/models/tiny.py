"""Every registered model at a size for tests: as its `compact` preset is, and with each choice that it offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import torch
import torch.nn.functional as F
from torch import nn

from emtm.contract import AnyModel, ModelConfig
from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.registry import model_class, model_names

from .helpers import ragged_batch

CLIPS, WORDS = (18, 7, 1), (9, 3, 1)
TEACHERS = 3
SENTENCES = "person opens the red door", "person walks quickly to table", "cup sits in a chair"
VOCABULARY = tuple(word for sentence in SENTENCES for word in sentence.split())
"""Words of every class, so that ids 2 to 16 are the words of three sentences."""


@dataclass(frozen=True)
class Subject:
    """A registered model, and what differs from its tiny configuration."""

    name: str
    setting: str | None = None
    value: object = None

    def __str__(self) -> str:
        return self.name if self.setting is None else f"{self.name} {self.setting}={self.value}"

    @property
    def official(self) -> bool:
        """Whether published behaviour is asked for."""
        return self.setting == "official"

    @property
    def kind(self) -> type[AnyModel]:
        """The class that the name is registered for."""
        return model_class(self.name)

    def config(self, **changes: object) -> ModelConfig:
        """The `compact` preset for narrow inputs."""
        config = self.kind.presets["compact"].config
        own = {} if self.setting is None else {self.setting: self.value}
        tiny: dict[str, Any] = {"feature_dim": 20, "word_dim": 12, **own, **changes}
        return replace(config, **tiny)

    def build(self, *, seed: int = 0, **changes: object) -> AnyModel:
        """The model in eval mode, with random weights where fresh ones are alike: zeros would hide a leak."""
        torch.manual_seed(seed)
        config = self.config(**changes)
        vectors = torch.randn(len(VOCABULARY), config.word_dim)
        model = self.kind(config, Lexicon(vectors, 16, VOCABULARY))
        roughen(model)
        return model.eval()

    def in_training(self, *, seed: int = 0, **changes: object) -> AnyModel:
        """The model in training mode, with its training-only branches."""
        model = self.build(seed=seed, **changes)
        model.prepare_training(TEACHERS if model.taught else 0)
        roughen(model)
        return model.train()

    def batch(self, clips: tuple[int, ...] = CLIPS, words: tuple[int, ...] = WORDS) -> Batch:
        """Queries and videos of different lengths, with annotated moments and teachers' soft labels.

        As the loader does it, published behaviour gets videos that are padded to the longest there can be.
        """
        ragged = ragged_batch(list(clips), list(words), num_words=len(VOCABULARY))
        # The first word of the first query is unknown.
        ragged.word_ids[0, 0] = 1
        longer = self.config().max_clips - max(clips) if self.official else 0
        mask, video = F.pad(ragged.video_mask, (0, longer)), F.pad(ragged.video, (0, 0, 0, longer))
        soft = torch.rand(len(clips), TEACHERS, 2, mask.shape[1], generator=torch.Generator().manual_seed(3))
        soft = soft * mask[:, None, None]
        assert ragged.targets is not None
        targets = replace(ragged.targets, soft_labels=soft / soft.sum(3, keepdim=True))
        return replace(ragged, video=video, video_mask=mask, targets=targets)


def roughen(model: nn.Module) -> None:
    """Add noise to parameters that are one value throughout, as fresh biases, norms and last layers are."""
    for parameter in model.parameters():
        if parameter.min() == parameter.max():
            with torch.no_grad():
                parameter.add_(torch.randn_like(parameter) * 0.3)


def rouse(subject: Subject) -> AnyModel:
    """The model with weights so wide that words and clips matter: in a fresh map's scores nothing would show."""
    model, given = subject.build(), subject.batch((12, 12), (6, 6))
    others = [replace(given, video=given.video.roll(1, 0)), replace(given, word_ids=given.word_ids.flip(0))]
    with torch.no_grad():
        for _ in range(20):
            spans, *changed = (model.span_distribution(model(each)) for each in (given, *others))
            if all((other - spans).abs().max() > 1e-3 for other in changed):
                break
            for parameter in model.parameters():
                parameter.mul_(1.3 if parameter.dim() > 1 else 1.0)
    return model


def choices(name: str) -> Iterator[Subject]:
    """The model with each other value of every switch and every named option of its own configuration."""
    config = model_class(name).presets["compact"].config
    hints, shared = get_type_hints(type(config)), {field.name for field in fields(ModelConfig)}
    for field in fields(config):
        hint, value = hints[field.name], getattr(config, field.name)
        options = get_args(hint) if get_origin(hint) is Literal else (False, True) if hint is bool else ()
        if field.name not in shared:
            yield from (Subject(name, field.name, option) for option in options if option != value)


MODELS = [Subject(name) for name in model_names()]
SUBJECTS = [subject for model in MODELS for subject in (model, *choices(model.name))]
OFFICIAL = [Subject(name, "official", True) for name in model_names()]
