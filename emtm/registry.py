"""Models by name, found through the entry-point group ``emtm.models``; a model is imported when it is asked for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from emtm.config import read_value, takes
from emtm.data.benchmarks import FAMILY
from emtm.errors import UserError, unknown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from emtm.contract import AnyModel, ModelConfig, Preset, Recipe

C = TypeVar("C", bound="DataclassInstance")
GROUP = "emtm.models"


@cache
def registered() -> Mapping[str, EntryPoint]:
    """Where the installed models are, by name, sorted; of two with one name, the first that is found."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        found.setdefault(entry.name, entry)
    return dict(sorted(found.items()))


def model_names() -> tuple[str, ...]:
    """Names of all installed models, sorted."""
    return tuple(registered())


@cache
def model_class(name: str) -> type[AnyModel]:
    """Class registered under `name`; raises UserError with the closest names when there is none."""
    if name not in registered():
        raise UserError(unknown("model", name, model_names()))
    loaded: type[AnyModel] = registered()[name].load()
    return loaded


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


def override(config: C, assignments: list[str]) -> C:
    """Copy of a config dataclass with `key=value` assignments applied; values are read as YAML.

    Raises:
        UserError: an assignment is of another form, of an unknown key, or of a value that the key cannot have.
    """
    hints = get_type_hints(type(config))
    names = sorted(field.name for field in dataclasses.fields(config))
    changes: dict[str, Any] = {}
    for assignment in assignments:
        key, separator, text = assignment.partition("=")
        if not separator:
            raise UserError(f"'{assignment}' is not of the form key=value")
        if key not in names:
            raise UserError(unknown("setting", key, names))
        try:
            changes[key] = read_value(text, hints[key])
        except ValueError:
            raise UserError(f"{key} {takes(hints[key])}, not {text!r}") from None
    try:
        return dataclasses.replace(config, **changes)
    except ValueError as error:
        raise UserError(str(error)) from None


def config_hash(name: str, config: ModelConfig | Recipe) -> str:
    """Short stable hash of a model's name and its configuration or recipe."""
    text = json.dumps([name, dataclasses.asdict(config)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
