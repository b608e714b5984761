"""What determines a training run: model, configuration, recipe, data, seed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emtm.config import MAX_SEED, check_fields
from emtm.contract import ModelConfig, Recipe
from emtm.data.annotated import AnnotatedPart
from emtm.data.benchmarks import BENCHMARKS
from emtm.data.choices import PseudoTrust
from emtm.data.datasets import feature_width
from emtm.data.features import clip_width
from emtm.data.folds import Fold
from emtm.data.real import EMBEDDED, learns_words
from emtm.data.soft_labels import SoftLabelFile
from emtm.data.unlabelled import UnlabelledFile
from emtm.registry import config_hash, model_class, override, preset

FORMAT = "emtm-run/2"

_LATER = ("annotated", "pseudo_weight", "pseudo_trust", "clip_s", "title", "fold", "unlabelled")
"""Fields of a data source that earlier runs do not have."""


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where a dataset is opened from; the arguments of `emtm.data.datasets.open_dataset`."""

    name: str
    root: str | None = None
    features: str | None = None
    glove: str | None = None
    soft_labels: tuple[SoftLabelFile, ...] = ()
    """Teachers' distributions, in the order of the aggregation unit's weights."""
    annotated: AnnotatedPart | None = None
    """Which queries have a moment; None for all."""
    pseudo_weight: float = 1.0
    """Of a surely right moment of the teachers' making, against an annotated one; 0 leaves their soft labels alone."""
    pseudo_trust: PseudoTrust = "confidence"
    clip_s: str | None = None
    """Seconds that a feature row stands for, or a range of them."""
    title: str | None = None
    """What tables call it, where `name` is `custom`."""
    fold: Fold | None = None
    """Whose splits are trained and tested on; None for the dataset's own."""
    unlabelled: UnlabelledFile | None = None
    """Pairs without a moment, beside the dataset's."""

    @property
    def shown(self) -> str:
        """Its name in tables and files."""
        return self.title or self.name

    @property
    def learns_words(self) -> bool:
        """Whether there are no word vectors, so that a model learns its own."""
        return learns_words(self.name, self.fold) and self.glove is None and self.features != EMBEDDED

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON holds them; what was always so before there was a choice is left out."""
        stored, defaults = dataclasses.asdict(self), dataclasses.asdict(DataSource(self.name))
        return {name: value for name, value in stored.items() if name not in _LATER or value != defaults[name]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> DataSource:
        """From the fields as JSON holds them."""
        files = tuple(SoftLabelFile(**file) for file in stored.get("soft_labels", ()))
        choice = stored.get("annotated")
        annotated = None if choice is None else AnnotatedPart(**choice)
        part = stored.get("fold")
        fold = None if part is None else Fold(**part)
        pairs = stored.get("unlabelled")
        more = None if pairs is None else UnlabelledFile(**pairs)
        return cls(**{**stored, "soft_labels": files, "annotated": annotated, "fold": fold, "unlabelled": more})


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Everything that determines a training run, apart from the code and the machine."""

    model: str
    preset: str
    config: ModelConfig
    recipe: Recipe
    data: DataSource
    seed: int = field(metadata={"minimum": 0, "below": MAX_SEED + 1})

    def to_json(self, out: Path) -> dict[str, Any]:
        """JSON form, as stored in the ``run.json`` of `out`: teachers' files by the way to them from there."""
        files = tuple(replace(file, path=os.path.relpath(file.path, out.resolve())) for file in self.data.soft_labels)
        return {
            "format": FORMAT,
            "model": self.model,
            "preset": self.preset,
            "dataset": self.data.shown,
            "data": replace(self.data, soft_labels=files).to_json(),
            "seed": self.seed,
            "config": dataclasses.asdict(self.config),
            "config_hash": config_hash(self.model, self.config),
            "recipe": dataclasses.asdict(self.recipe),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], out: Path) -> RunSpec:
        """Inverse of `to_json`; raises KeyError, TypeError or ValueError for fields missing, unknown or unfit."""
        model, data = model_class(stored["model"]), DataSource.from_json(stored["data"])
        for file in data.soft_labels:
            check_fields(file)
        files = (replace(f, path=os.path.normpath(out.resolve() / f.path)) for f in data.soft_labels)
        spec = cls(
            model=stored["model"],
            preset=stored["preset"],
            config=model.config_class(**stored["config"]),
            recipe=Recipe(**stored["recipe"]),
            data=replace(data, soft_labels=tuple(files)),
            seed=stored["seed"],
        )
        check_fields(spec)
        check_fields(spec.data)
        for part in (spec.data.fold, spec.data.unlabelled):
            if part is not None:
                check_fields(part)
        return spec


def plan(model: str, data: DataSource, which: str | None, settings: list[str], seed: int) -> RunSpec:
    """The run of a preset with `key=value` settings of model or recipe applied, for features as wide as they are.

    `which` is as in `registry.preset`; None means paper for benchmarks, compact elsewhere. A `feature_dim` among
    the settings is what the features must have.

    Raises:
        UserError: there is no such model, preset or setting, or the features cannot be read.
    """
    which = which or ("paper" if data.name in BENCHMARKS else "compact")
    chosen = preset(model, data.name, which)
    recipe_keys = {f.name for f in dataclasses.fields(chosen.recipe)}
    of_recipe = [s for s in settings if s.partition("=")[0] in recipe_keys]
    of_model = [s for s in settings if s not in of_recipe]
    config, recipe = override(chosen.config, of_model), override(chosen.recipe, of_recipe)
    if not any(setting.partition("=")[0] == "feature_dim" for setting in of_model):
        width = feature_width(data.name, Path(data.root) if data.root else None, data.features)
        if width is not None:
            config = dataclasses.replace(config, feature_dim=clip_width(width, config.resampling))
    return RunSpec(model, which, config, recipe, data, seed)
