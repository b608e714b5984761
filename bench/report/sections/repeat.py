"""How to do it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.missing import known
from bench.report.content.content import Content
from bench.report.sections.audit import FILE

_COMMIT = re.compile(r"[0-9a-f]{4,40}")
_PROGRAMS = ("pytest", "emtm")
"""What measures. A run file may name any program, and these lines are there to be repeated."""


def commands(content: Content) -> list[str]:
    """The shell commands that measure the runs again and draw this report from their files."""
    lines = []
    for run in content.runs:
        commit = known(run.suite.commit) or ""
        lines += [*([f"git checkout {commit}"] if _COMMIT.fullmatch(commit) else []), _measure(run.suite.argv)]
    names = [*content.names, *(["--study", content.study.path] if content.study else [])]
    names += ["--audit", FILE] if content.audit else []
    return [*dict.fromkeys(lines), f"python -m bench.report {shlex.join(names)}"]


def _measure(argv: Sequence[str]) -> str:
    """The recorded command, without the folder that the program happened to be in."""
    if not argv:
        return "pytest bench/ --benchmark-only"
    name = Path(argv[0]).name
    return shlex.join([name if name in _PROGRAMS else "pytest", *argv[1:]])
