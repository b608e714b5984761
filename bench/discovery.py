"""Things that are found because their file is there."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TypeVar

T = TypeVar("T")


def instances(package: str, kind: type[T]) -> list[T]:
    """Constants of class `kind` that the modules of a package hold, each once, in the order of the files."""
    folders = importlib.import_module(package).__path__
    modules = (importlib.import_module(f"{package}.{entry.name}") for entry in pkgutil.iter_modules(folders))
    found = [value for module in modules for value in vars(module).values() if isinstance(value, kind)]
    return list({id(value): value for value in found}.values())
