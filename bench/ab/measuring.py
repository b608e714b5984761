"""An A/B from the revisions' names to what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

import bench
from bench.ab.arm import Arm, Counts
from bench.ab.findings import Report, Sides
from bench.ab.revisions import Revision, revisions
from bench.ab.sequential import Plan
from bench.ab.session import run
from bench.instruments.environment import EnvironmentWindow
from bench.isolation.lines import WorkerError
from bench.missing import Missing
from bench.selection import matcher
from emtm.errors import UserError

Progress = Callable[[str], object]

_WORKER = Path("bench/ab/worker.py")
_HARNESS = Path(bench.__file__).resolve().parents[1]


def measure(
    package: Path,
    base: str,
    head: str,
    expression: str,
    plan: Plan,
    budget_s: float,
    seed: int,
    scratch: Path,
    progress: Progress,
) -> Report:
    """Counts and times the cases that `expression` means; `budget_s` is for each of them.

    Raises UserError for what is no revision, for one that cannot be measured at all, and when no case is meant.
    """
    chosen, window = matcher(expression), EnvironmentWindow()
    with revisions(package, (base, head)) as (before, after):
        revision = {"base": before, "head": after, "twin": before}
        number = count()

        def start(side: str) -> Arm:
            return Arm(revision[side], _suite(revision[side]), scratch / f"{side}-{next(number)}.log")

        sides = Sides(base=_counted(start, "base", chosen, progress), head=_counted(start, "head", chosen, progress))
        if not sides.base and not sides.head:
            raise UserError(f"no case of either revision is meant by -k '{expression}'")
        outcome = run(sides.shared, start, plan, budget_s * len(sides.shared), seed, progress)
    environment = window.close(Missing("an A/B times no reference product"))
    return Report(base=before, head=after, plan=plan, sides=sides, outcome=outcome, environment=environment)


def _suite(revision: Revision) -> tuple[Path, ...]:
    """Where the harness is found behind a revision: in itself, or, for a package that plugs in, where it runs from."""
    if (revision.tree / _WORKER).is_file():
        return ()
    if (revision.tree / "bench").is_dir() and (revision.tree / "emtm").is_dir():
        raise UserError(f"'{revision.name}' is older than this command, and cannot be measured by it")
    return (_HARNESS,)


def _counted(
    start: Callable[[str], Arm], side: str, chosen: Callable[[str], bool], progress: Progress
) -> Mapping[str, Counts | str]:
    """Counts of the cases of a side that are meant; what cannot be built says why."""
    arm = start(side)
    found: dict[str, Counts | str] = {}
    try:
        for case_id in filter(chosen, _known(arm, side)):
            progress(f"counting {side}: {case_id}")
            try:
                found[case_id] = arm.count(case_id)
            except WorkerError as error:
                found[case_id] = str(error)
                if not arm.alive:
                    arm.close()
                    arm = start(side)
    finally:
        arm.close()
    return found


def _known(arm: Arm, side: str) -> tuple[str, ...]:
    try:
        return arm.hello()
    except WorkerError as error:
        raise UserError(f"the {side} cannot be measured: {error}") from None
