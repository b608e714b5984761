"""How to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.missing import known
from bench.report.content.content import Content


def commands(content: Content) -> list[str]:
    """The shell commands that measure the runs again and draw this report from their files."""
    lines = []
    for run in content.runs:
        commit = known(run.suite.commit)
        lines += [*([f"git checkout {commit}"] if commit else []), _measure(run.suite.argv)]
    names = [*content.names, *(["--study", content.study.path] if content.study else [])]
    return [*dict.fromkeys(lines), f"python -m bench.report {shlex.join(names)}"]


def _measure(argv: Sequence[str]) -> str:
    """The recorded command, without the folder that the program happened to be in."""
    if not argv:
        return "pytest bench/ --benchmark-only"
    program = Path(argv[0])
    name = "pytest" if program.name in ("__main__.py", "pytest", "py.test") else program.name
    return shlex.join([name, *argv[1:]])
