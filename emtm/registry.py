"""Models by name, found through the entry-point group ``emtm.models``."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import yaml

from emtm.contract import GroundingModel, ModelConfig, Preset, Recipe
from emtm.data.benchmarks import FAMILY
from emtm.errors import UserError, unknown

GROUP = "emtm.models"
AnyModel = GroundingModel[Any, Any, Any]


@cache
def model_names() -> tuple[str, ...]:
    """Names of all installed models, sorted."""
    return tuple(sorted(e.name for e in entry_points(group=GROUP)))


@cache
def model_class(name: str) -> type[AnyModel]:
    """Class registered under `name`; raises UserError with the closest names when there is none."""
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            loaded: type[AnyModel] = entry.load()
            return loaded
    raise UserError(unknown("model", name, model_names()))


def preset(name: str, dataset: str, which: str = "paper") -> Preset:
    """Preset of model `name` for `dataset`.

    `which` is `paper` (the published sizes for the dataset or its family), `compact`, or any
    key of the model's own `presets`.
    """
    presets = model_class(name).presets
    key = FAMILY.get(dataset, dataset) if which == "paper" else which
    if key not in presets:
        what = f"dataset of {name}'s published configurations" if which == "paper" else f"preset of {name}"
        raise UserError(unknown(what, key, list(presets)))
    return presets[key]


def override(config: Any, assignments: list[str]) -> Any:
    """Copy of a config dataclass with `key=value` assignments applied; values are read as YAML."""
    names = {f.name for f in dataclasses.fields(config)}
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator:
            raise UserError(f"'{assignment}' is not of the form key=value")
        if key not in names:
            raise UserError(unknown("setting", key, sorted(names)))
        value = yaml.safe_load(text)
        old = getattr(config, key)
        if isinstance(old, tuple) and isinstance(value, list):
            value = tuple(value)
        if isinstance(old, float) and isinstance(value, int | str) and not isinstance(value, bool):
            try:
                value = float(value)
            except ValueError:
                raise UserError(f"setting '{key}' takes a number, not '{text}'") from None
        if old is not None and value is not None and type(value) is not type(old):
            raise UserError(f"setting '{key}' takes {type(old).__name__}, not '{text}'")
        changes[key] = value
    try:
        return dataclasses.replace(config, **changes)
    except ValueError as error:
        raise UserError(str(error)) from None


def config_hash(name: str, config: ModelConfig | Recipe) -> str:
    """Short stable hash of a model's name and its configuration or recipe."""
    text = json.dumps([name, dataclasses.asdict(config)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
