"""The run files of a folder, in the order of their commits."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.disturbance import disturbed
from bench.git import git
from bench.history.environments import Facts, facts, machine
from bench.history.measures import Readings, batch_sizes, readings
from bench.missing import Missing, known
from bench.record import CaseRecord, Status
from bench.results import SCHEMA, read_run
from bench.run import Run
from bench.safe import clean
from emtm.errors import UserError
from emtm.files import read_json

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class CaseInRun:
    """What one run says of one case."""

    model: str
    dataset: str
    scenario: str
    status: Status
    reason: str
    """Why there is no result; empty where there is one."""
    noisy: bool
    batch_sizes: tuple[int, ...]
    readings: Readings


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One run file, without its samples."""

    file: str
    run_id: str
    created_utc: str
    commit: str | None
    dirty: bool
    """False too where it is not known."""
    time_s: int
    """When the commit was made, where git knows it, else when the run was made; seconds since 1970."""
    environment: Facts
    machine: str
    cases: Mapping[str, CaseInRun]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that gives no run."""

    file: str
    reason: str
    damaged: bool
    """False for what never was a run file."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds."""

    runs: tuple[RunEntry, ...]
    """Oldest first."""
    skipped: tuple[Skipped, ...]


def read_folder(folder: Path, since_s: int | None, progress: Callable[[int], None]) -> Folder:
    """The runs in the JSON files of `folder`, without those from before `since_s`, in seconds since 1970.

    `progress` is told how many files are read. A file that cannot be read is skipped and named. Raises UserError
    when `folder` is not one, or no run is left.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder of run files")
    runs: list[RunEntry] = []
    skipped: list[Skipped] = []
    for done, path in enumerate(run_paths(folder), 1):
        found = _read(path)
        if isinstance(found, RunEntry) and found.run_id in {run.run_id for run in runs}:
            found = Skipped(clean(path.name), f"its run {found.run_id} is in another file too", damaged=False)
        if isinstance(found, RunEntry):
            runs.append(found)
        else:
            skipped.append(found)
        progress(done)
    times = commit_times([run.commit for run in runs if run.commit is not None])
    runs = [replace(run, time_s=times.get(run.commit or "", run.time_s)) for run in runs]
    runs = [run for run in runs if since_s is None or run.time_s >= since_s]
    if not runs:
        raise UserError(f"{folder} holds no run file{'' if since_s is None else ' of that time'}")
    return Folder(tuple(sorted(runs, key=lambda run: (run.time_s, run.created_utc, run.run_id))), tuple(skipped))


def run_paths(folder: Path) -> list[Path]:
    """Files that may hold a run."""
    return sorted(path for path in folder.glob("*.json") if path.is_file())


def commit_times(commits: Sequence[str]) -> dict[str, int]:
    """Seconds since 1970 at which commits were made, of those that the repository here knows; {} without git."""
    names = sorted({commit for commit in commits if _COMMIT.fullmatch(commit)})
    if not names:
        return {}
    told = git(Path(), "log", "--no-walk=unsorted", "--ignore-missing", "--format=%H %ct", *names)
    return {commit: int(time) for commit, time in (line.split() for line in (told or "").splitlines())}


def _read(path: Path) -> RunEntry | Skipped:
    try:
        return _entry(read_run(path), path)
    except UserError as error:
        reason = str(error).removeprefix(f"{path}: ").removeprefix(f"{path} is ")
        return Skipped(clean(path.name), clean(reason), damaged=_meant_as_run(path))


def _meant_as_run(path: Path) -> bool:
    """False for sound JSON of another kind, such as a summary of a study that lies beside the runs."""
    try:
        doc = read_json(path)
    except UserError:
        return True
    return isinstance(doc, dict) and doc.get("schema") == SCHEMA


def _entry(run: Run, path: Path) -> RunEntry:
    return RunEntry(
        file=clean(path.name),
        run_id=clean(run.run_id),
        created_utc=run.created_utc,
        commit=None if isinstance(run.suite.commit, Missing) else clean(run.suite.commit),
        dirty=known(run.suite.dirty) is True,
        time_s=_seconds(run.created_utc),
        environment={clean(name): clean(value) for name, value in facts(run.env).items()},
        machine=clean(machine(run.env)),
        cases={clean(case.case_id): _case(case, run) for case in run.cases},
    )


def _seconds(created_utc: str) -> int:
    try:
        return int(datetime.strptime(created_utc, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        # The schema asks for digits in the right places, not for a day that exists.
        raise UserError(f"created_utc {created_utc} is no time") from None


def _case(case: CaseRecord, run: Run) -> CaseInRun:
    return CaseInRun(
        model=clean(case.model.name),
        dataset=clean(case.workload.dataset),
        scenario=case.workload.scenario,
        status=case.status,
        reason=clean(known(case.reason) or ""),
        noisy=disturbed(case),
        batch_sizes=batch_sizes(case),
        readings={
            name: Missing(clean(reading.reason)) if isinstance(reading, Missing) else reading
            for name, reading in readings(case, run).items()
        }
        if case.status == "ok"
        else {},
    )
