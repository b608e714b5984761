"""Models by name, found through the entry-point group ``emtm.models``; a model is imported when it is asked for."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
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
OURS = ("emtm", "baselines")
"""Packages whose models keep their names, whoever else takes one."""
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Found:
    """Entry points of a group: one a name, and why the others are left out."""

    entries: Mapping[str, EntryPoint]
    """By name, sorted."""
    left_out: Mapping[str, str]
    """Reasons by `NAME of PACKAGE`."""


@cache
def _found() -> Found:
    """Of two with one name ours stays, or else the one whose package comes first in the alphabet."""
    found: dict[str, EntryPoint] = {}
    left_out: dict[str, str] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: (not _is_ours(e), package_of(e), e.value)):
        if _module(entry) is None:
            left_out[_title(entry)] = f"'{entry.value}' does not name a class as module:class does"
            continue
        first = found.setdefault(entry.name, entry)
        if first.value != entry.value:
            left_out[_title(entry)] = f"its name is taken by {package_of(first)}"
    return Found(dict(sorted(found.items())), left_out)


def registered() -> Mapping[str, EntryPoint]:
    """Where the installed models are, by name, sorted; our own keep their names."""
    return _found().entries


def left_out() -> Mapping[str, str]:
    """Why entry points of the group are no models, by `NAME of PACKAGE`: a name is taken, or names no class."""
    return _found().left_out


def model_names() -> tuple[str, ...]:
    """Names of all installed models, sorted."""
    return tuple(registered())


@cache
def model_class(name: str) -> type[AnyModel]:
    """Class registered under `name`.

    Raises UserError with the closest names when there is none, and for a plug-in that does not load, exits, or is no
    model.
    """
    if name not in registered():
        raise UserError(unknown("model", name, model_names()))
    entry = registered()[name]
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:
        raise UserError(f"model '{name}' of {package_of(entry)} cannot be loaded: {reason(error)}") from error
    fault = _fault(loaded)
    if fault is not None:
        raise UserError(f"model '{name}' of {package_of(entry)} cannot be used: {entry.value} {fault}")
    kind: type[AnyModel] = loaded
    return kind


def _fault(loaded: object) -> str | None:
    """What keeps an object from being a model's class; None where it is one."""
    from emtm.contract import GroundingModel, ModelInfo, Preset

    if not (isinstance(loaded, type) and issubclass(loaded, GroundingModel)):
        return "is no class of a GroundingModel"
    if not isinstance(getattr(loaded, "info", None), ModelInfo):
        return "has no `info` of class ModelInfo"
    presets = getattr(loaded, "presets", None)
    if not isinstance(presets, Mapping) or not all(isinstance(found, Preset) for found in presets.values()):
        return "has no `presets` that are a mapping of Preset"
    return None


def package_of(entry: EntryPoint) -> str:
    """Whose it is: the distribution, or else the module."""
    return entry.dist.name if entry.dist is not None else (_module(entry) or entry.value)


def reason(error: BaseException) -> str:
    """What an error of somebody else's code says, in one line."""
    if isinstance(error, SystemExit):
        return f"it exits with {error.code!r:.{_LONGEST}}"
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"


def _title(entry: EntryPoint) -> str:
    return f"{entry.name} of {package_of(entry)}"


def _is_ours(entry: EntryPoint) -> bool:
    return (_module(entry) or "").partition(".")[0] in OURS


def _module(entry: EntryPoint) -> str | None:
    match = entry.pattern.match(entry.value)
    return match["module"] if match is not None and match["attr"] else None


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
