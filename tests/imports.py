"""What the modules of a source tree import from each other, read from the text: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGES = ("emtm", "baselines", "bench")
Node = ast.Import | ast.ImportFrom | ast.Constant


@dataclass(frozen=True, order=True)
class Import:
    """One import of one of our modules, wherever it stands: at the top, in a function, for the types alone."""

    module: str
    """Dotted name of the importing module."""
    line: int
    target: str
    """Dotted name of what is imported, down to the name where that is a module."""


def imports(root: Path, packages: tuple[str, ...] = PACKAGES) -> list[Import]:
    """Imports among the packages under `root`, in the order of the files; a module named in a string counts too."""
    files = {dotted(path, root): path for package in packages for path in sorted((root / package).rglob("*.py"))}
    return [found for module, path in files.items() for found in imports_of(module, path, set(files))]


def dotted(path: Path, root: Path) -> str:
    """Name under which a file is imported."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(module: str, path: Path, known: set[str]) -> Iterator[Import]:
    """Imports of one file, of `known` modules or below our packages."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in candidates(path.read_text("utf-8")):
        for target in targets(node, package, known):
            if target.split(".")[0] in PACKAGES:
                yield Import(module, node.lineno, target)


@cache
def candidates(text: str) -> list[Node]:
    """What may import something in a module's text."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, Node)]


def targets(node: Node, package: list[str], known: set[str]) -> Iterator[str]:
    """Names that a node of a module of `package` imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        source = ".".join([*base, *filter(None, [node.module])])
        for alias in node.names:
            below = f"{source}.{alias.name}"
            yield below if below in known else source
    elif isinstance(node.value, str) and "." in node.value and node.value in known:
        yield node.value
