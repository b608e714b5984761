"""What `models` tells of each model: its origin, and its size at every preset.

Sizes are counted on the models themselves, which takes seconds and the whole of torch. Those of our own models are
therefore shipped beside them, and a test holds that they are today's; those of others are kept in the cache directory
for as long as the code of the models stays the same.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emtm.errors import UserError
from emtm.files import kept, read_json
from emtm.registry import OURS, model_class, package_of, reason, registered

SHIPPED = "cards.json"
NUM_CHARS = 36
"""Characters that sizes assume; every one has a trainable embedding."""


@dataclass(frozen=True, slots=True)
class Card:
    """One model, as the catalogue shows it."""

    name: str
    role: str
    paper: str
    reference_code: str
    reference_licence: str
    trainable_parameters: dict[str, int]
    """By preset."""


def cards() -> tuple[list[Card], dict[str, str]]:
    """Cards of all installed models, by name, those of others from the cache unless any of their code has changed; and
    what is wrong with those that have none, by name.
    """
    faults: dict[str, str] = {}

    def made(name: str) -> Iterator[Card]:
        try:
            yield make_card(name)
        except UserError as error:
            faults[name] = str(error)
        except (Exception, SystemExit) as error:
            faults[name] = f"model '{name}' of {package_of(registered()[name])} cannot be built: {reason(error)}"

    found = shipped()
    others = {name: entry for name, entry in registered().items() if name not in {card.name for card in found}}

    def all_made() -> list[dict[str, Any]]:
        return [asdict(card) for name in others for card in made(name)]

    if others:
        found += [Card(**card) for card in kept(f"models/{code_state(others.values())}.json", all_made, _sound)]
    # A plug-in that was broken may have been repaired without a change of its code.
    for name in others.keys() - {card.name for card in found} - faults.keys():
        found += made(name)
    return sorted(found, key=lambda card: card.name), faults


def shipped() -> list[Card]:
    """Cards that lie beside those of our own models that are installed; nothing is imported."""
    own = {name: package for name, entry in registered().items() if (package := top(entry)) in OURS}
    stored = (card for package in sorted(set(own.values())) for card in _beside(package))
    return [Card(**card) for card in stored if card["name"] in own]


def _beside(package: str) -> list[dict[str, Any]]:
    spec = find_spec(package)
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    found: list[dict[str, Any]] = []
    for file in (Path(folder) / SHIPPED for folder in folders):
        found += read_json(file) if file.is_file() else []
    return found


def _sound(stored: list[dict[str, Any]]) -> bool:
    fields = {field.name for field in dataclasses.fields(Card)}
    return all(card.keys() == fields for card in stored)


def make_card(name: str) -> Card:
    """Card of one model, which is imported and built at each of its presets."""
    import torch

    from emtm.data.text import Lexicon

    kind = model_class(name)
    sizes = {}
    for key, preset in kind.presets.items():
        lexicon = Lexicon(torch.zeros(1, preset.config.word_dim), NUM_CHARS)
        with torch.device("meta"):
            model = kind(preset.config, lexicon)
        sizes[key] = sum(p.numel() for p in model.parameters())
    info = kind.info
    return Card(name, info.role, info.paper, info.reference_code, info.reference_licence, sizes)


def code_state(entries: Collection[EntryPoint]) -> str:
    """Hash of what cards depend on: which models these are, and the sources of the packages that hold them."""
    digest = hashlib.sha256()
    for entry in entries:
        version = entry.dist.version if entry.dist else None
        digest.update(repr((entry.name, entry.value, version)).encode())
    for package in sorted({__name__.partition(".")[0], *map(top, entries)}):
        for file in _sources(package):
            with contextlib.suppress(OSError):
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def top(entry: EntryPoint) -> str:
    """The package that holds a model's module."""
    return entry.module.partition(".")[0]


def _sources(package: str) -> list[Path]:
    """Python files of a package, or the one of a module; neither is imported."""
    spec = find_spec(package)
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [Path(spec.origin)] if spec.origin else []
    return sorted(file for folder in spec.submodule_search_locations for file in Path(folder).rglob("*.py"))
