"""What a command may do with bad input: give a result, or refuse it in one sentence and leave everything as it was."""

from __future__ import annotations

import hashlib
import json
import re
import signal
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from emtm.errors import ExitCode
from tests.campaign.attempt import Outcome
from tests.campaign.inputs.target import Target

REFUSALS = frozenset({int(ExitCode.USAGE), int(ExitCode.SCHEMA)})
TEMPORARY = re.compile(r"\..+\.emtm|.*\.(tmp|partial)")
"""Names of files that were to take the place of others."""

Tree = dict[str, str]
"""What every name in a folder stands for."""


def tree(folder: Path) -> Tree:
    """Everything in a folder, by the hash of its content."""
    return {path.relative_to(folder).as_posix(): _content(path) for path in folder.rglob("*")}


def _content(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"


def faults(
    target: Target, given: Sequence[str], outcome: Outcome, before: Tree, after: Tree, temporary: Tree
) -> Iterator[str]:
    """All that was not as it should be; `temporary` is what is left where temporary files go."""
    errors = [line for line in outcome.stderr.splitlines() if line.startswith("error: ")]
    if outcome.code is None:
        slow = outcome.signal == signal.SIGKILL
        yield "killed: it took too long" if slow else f"killed by {signal.Signals(outcome.signal).name}"
    if "Traceback (most recent call last)" in outcome.stderr:
        yield f"traceback: {outcome.stderr.splitlines()[-1][:300]}"
    if any("a defect of this program" in line for line in errors):
        yield f"defect: {errors[-1][:400]}"
    if outcome.orphans:
        yield "processes left"
    if temporary:
        yield f"temporary files left: {_some(temporary)}"
    changed = [name for name in before | after if before.get(name) != after.get(name)]
    whole = outcome.code in target.results and outcome.stdout
    if outcome.code in REFUSALS and errors and not whole:
        yield from _refusal(outcome, errors, changed)
    elif outcome.code in target.results:
        yield from _result(target, given, outcome, changed, after)
    elif outcome.code is not None:
        yield f"exit code {outcome.code} ({outcome.stderr.strip()[-300:]})"


def _refusal(outcome: Outcome, errors: list[str], changed: list[str]) -> Iterator[str]:
    if len(errors) > 1 or not outcome.stderr.endswith(f"{errors[-1]}\n"):
        yield f"not one sentence: {outcome.stderr[-300:]}"
    if outcome.stdout:
        yield f"output before the refusal: {outcome.stdout[:100]}"
    if changed:
        yield f"files left or changed: {_some(changed)}"


def _result(target: Target, given: Sequence[str], outcome: Outcome, changed: list[str], after: Tree) -> Iterator[str]:
    strange = [name for name in changed if not any(name == p or name.startswith(f"{p}/") for p in target.writes)]
    if strange and tuple(given) == target.arguments:
        yield f"files outside: {_some(strange)}"
    halves = [name for name in after if TEMPORARY.fullmatch(name.rpartition("/")[2])]
    if halves:
        yield f"temporary files left: {_some(halves)}"
    if "--json" in given and tuple(given) == target.arguments:
        try:
            json.loads(outcome.stdout, parse_constant=_refuse)
        except ValueError as error:
            yield f"no JSON: {error}"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)[:5])
