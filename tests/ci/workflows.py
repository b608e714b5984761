"""Workflow files and the snippets of docs/ci.md, read as text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
DOCS = ROOT / "docs" / "ci.md"
_SNIPPET = re.compile(r"<!-- snippet: (\S+) (\S+) -->\n```(\w+)\n(.*?)```", re.DOTALL)

Yaml = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A workflow, a pipeline or a script, under the name of its file."""

    name: str
    language: str
    text: str

    @property
    def yaml(self) -> Yaml:
        """Its mapping; YAML 1.1 reads the key `on` as true."""
        loaded: Yaml = yaml.safe_load(self.text)
        return {"on" if key is True else key: value for key, value in loaded.items()}

    def jobs(self) -> Iterator[Yaml]:
        """The jobs of a workflow."""
        yield from self.yaml["jobs"].values()

    def steps(self) -> Iterator[Yaml]:
        """The steps of all jobs."""
        for job in self.jobs():
            yield from job["steps"]

    def step(self, name: str) -> Yaml:
        """The step of this name."""
        (found,) = (step for step in self.steps() if step.get("name") == name)
        return found


def snippets() -> dict[str, Source]:
    """The snippets of the document by their key."""
    found = _SNIPPET.findall(DOCS.read_text("utf-8"))
    return {key: Source(name, language, text) for key, name, language, text in found}


def workflow(name: str) -> Source:
    """A workflow of this repository."""
    return Source(name, "yaml", (FOLDER / name).read_text("utf-8"))


def workflows() -> list[Source]:
    """All workflows: those of this repository and those of the document."""
    own = [workflow(path.name) for path in sorted(FOLDER.glob("*.yml"))]
    return own + [source for source in snippets().values() if ".github/workflows/" in source.name]
