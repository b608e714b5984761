"""airspeed velocity: a folder that grows by a result file a run, from which asv makes a site.

    python -m bench.report export --to asv reports/runs/RUN.json --out asv      # in the repository that was measured
    asv publish --config asv/asv.conf.json && asv preview --config asv/asv.conf.json
    asv show --config asv/asv.conf.json COMMIT

A quantity is a benchmark with one parameter, the case; a second run of a commit replaces the cases that it measured.
asv flags upward steps alone, and none of less than a thousandth: accuracies are exported as errors, throughput as
seconds a query, and beside each exact count stand two numbers drawn from it, of which one jumps up when it changes.

`asv.conf.json` is written where there is none, and left alone where there is one. A machine is named by its
hardware; what changes with every upgrade stays out, or no step would be seen across one. Runs of a checkout with
uncommitted changes are a series of their own (`tree: dirty`).
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.export.checkout import FULL, Checkout, checkout
from bench.export.created import created_s
from bench.export.format import Format, Rendering
from bench.export.quantities import Figure, Quantity, figure
from bench.export.selection import select
from bench.missing import Missing, known
from bench.run import Hardware, Run
from bench.safe import label, one_line
from emtm.errors import UserError
from emtm.files import read_json

VERSION = "1"
"""Of our benchmarks: asv drops results of another version."""
_COLUMNS = ("result", "params", "version", "started_at", "duration")
_STATISTICS = ("stats_ci_99_a", "stats_ci_99_b", "stats_q_25", "stats_q_75", "stats_number", "stats_repeat")

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What asv knows of a series."""

    name: str
    kind: Literal["time", "track", "peakmemory"]
    unit: str
    meaning: str


Cell = tuple[float | None, tuple[float, ...] | None]
"""A value, and the six statistics that asv keeps beside it."""
Cells = dict[str, Cell]
"""By parameter."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where on the time line a run belongs."""

    commit: str
    date_s: int
    tree: Literal["clean", "dirty", "unknown"]
    """Without changes, with changes, or nobody knows: a selector of asv's page."""
    notes: tuple[str, ...]


def render(run: Run, out: Path) -> Rendering:
    """The result file of the run, the benchmarks of all runs so far, the machine, and a configuration to start with.

    Raises UserError where the run names no commit that asv could place.
    """
    found: dict[str, Cells] = {}
    benchmarks: dict[str, Benchmark] = {}
    for point in select(run).points:
        for benchmark, value in _series(point.quantity, point.figure):
            if not isinstance(value, Missing):
                benchmarks[benchmark.name] = benchmark
                found.setdefault(benchmark.name, {})[repr(label(point.case.case_id))] = _cell(value)
    if not found:
        raise UserError(f"run {run.run_id} holds no figure for asv: nothing was written")
    here = checkout(Path.cwd())
    place, machine, results = _place(run, here), machine_name(run.env.hardware), out / "results"
    environment = "emtm-bench" if place.tree == "clean" else f"emtm-bench-{place.tree}"
    result = f"{machine}/{place.commit[:8]}-{environment}.json"
    cells = _earlier(results / result, place.commit)
    for name, new in found.items():
        cells[name] = cells.get(name, {}) | new
    known_cases = {name: list(cells[name]) for name in found}
    files = {
        "results/benchmarks.json": _benchmarks(benchmarks, known_cases, results / "benchmarks.json"),
        f"results/{machine}/machine.json": _machine(run, machine),
        f"results/{result}": _result(run, cells, place, machine, environment),
    }
    if not (out / "asv.conf.json").exists():
        files["asv.conf.json"] = _configuration(out, here)
    texts = {name: json.dumps(doc, indent=1, allow_nan=False) + "\n" for name, doc in files.items()}
    return Rendering(texts, notes=place.notes)


def machine_name(hardware: Hardware) -> str:
    """A name for all machines that are built alike; memory counts in GiB, since kernels keep a little of it."""
    gpus = [gpu.name for gpu in hardware.gpus]
    facts = [hardware.cpu_model, hardware.cores_physical, hardware.cores_logical, hardware.ram_bytes >> 30, gpus]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:8]
    shown = re.sub("[^a-z0-9]+", "-", " ".join([hardware.cpu_model, *gpus]).lower()).strip("-")[:40]
    return f"{shown or 'machine'}-{digest}"


def _place(run: Run, here: Checkout | None) -> _Place:
    commit, notes = run.suite.commit, []
    if isinstance(commit, Missing):
        raise UserError(
            f"run {run.run_id} does not say which commit it measured ({commit.reason}), and asv draws by commit: "
            "nothing was written"
        )
    known_as = None if here is None else here.full(commit)
    if known_as is None and not re.fullmatch(f"[0-9a-f]{{{FULL}}}", commit):
        raise UserError(
            f"run {run.run_id} measured commit '{one_line(commit)[:FULL]}', and asv needs all {FULL} digits, which no "
            "repository here has: nothing was written"
        )
    full = known_as or commit
    if full != commit:
        notes.append(f"Commit {commit} is written as {full}, which the repository here takes it for.")
    date_s = None if here is None else here.authored_s(full)
    if here is None or date_s is None:
        notes.append(
            f"Commit {full[:8]} is not in a repository here, so it has the date of the run, and asv leaves it out "
            "until the repository of asv.conf.json holds it (after a shallow clone: git fetch --unshallow)."
        )
    elif not here.holds(full):
        notes.append(
            f"Commit {full[:8]} is not on branch {here.branch}, and asv leaves out what is on no branch of its."
        )
    dirty = known(run.suite.dirty)
    tree: Literal["clean", "dirty", "unknown"] = "unknown" if dirty is None else "dirty" if dirty else "clean"
    if tree != "clean":
        notes.append(
            f"Run {run.run_id} measured changes that no commit has, or does not know, so its points are a series of "
            f"their own (tree: {tree}) and not those of the commit."
        )
    return _Place(full, created_s(run) if date_s is None else date_s, tree, tuple(notes))


def _series(quantity: Quantity, of: Figure) -> Iterator[tuple[Benchmark, Figure | Missing]]:
    """A figure turned so that more is worse."""
    key, meaning = quantity.key, quantity.meaning
    match quantity.unit:
        case "s":
            yield Benchmark(f"time.{key}", "time", "seconds", meaning), of
        case "B":
            yield Benchmark(f"memory.{key}", "peakmemory", "bytes", meaning), of
        case "J":
            yield Benchmark(f"energy.{key}", "track", "joules", meaning), of
        case "ratio":
            yield Benchmark(f"time.{key}", "track", "", meaning), of
        case "queries/s":
            yield (
                Benchmark("time.best_query", "time", "seconds", "Time a query at the best batch size"),
                _inverse(of),
            )
        case "%":
            yield Benchmark(f"error.{key}", "track", "percent", f"100 % less {meaning}"), _error(of)
        case "parameters" | "MACs":
            yield Benchmark(f"static.{key}", "track", quantity.unit, meaning), of
            for name, mark in zip(("mark", "countermark"), _marks(of.value), strict=True):
                yield Benchmark(f"static.{key}_{name}", "track", "", _MARK), Figure(mark)


_MARK = "A number that stands for the exact count: if it changes, the count has changed; else it means nothing"


def _marks(count: float) -> tuple[float, float]:
    """Two numbers from 1 to 2^20, whose product is 2^20 for every count.

    Different counts have marks that differ by more than a thousandth but for one pair in 7,000.
    """
    share = int.from_bytes(hashlib.sha256(str(count).encode()).digest()[:8]) / 2**64
    return 2 ** (20 * share), 2 ** (20 * (1 - share))


def _inverse(of: Figure) -> Figure | Missing:
    low, high = of.interval or (0.0, 0.0)
    return figure(1 / of.value, (1 / high, 1 / low) if low > 0 else None)


def _error(of: Figure) -> Figure | Missing:
    bounds = of.interval
    return figure(100 - of.value, (100 - bounds[1], 100 - bounds[0]) if bounds else None)


def _cell(of: Figure) -> Cell:
    if of.interval is None or not of.samples:
        return of.value, None
    low, high = np.percentile(of.samples, [25, 75])
    return of.value, (*of.interval, float(low), float(high), 1, len(of.samples))


def _result(run: Run, cells: Mapping[str, Cells], place: _Place, machine: str, environment: str) -> Doc:
    return {
        "version": 2,
        "commit_hash": place.commit,
        "env_name": environment,
        "date": place.date_s * 1000,
        "params": {"machine": machine, "tree": place.tree},
        "python": label(run.env.software.python),
        "requirements": {},
        "env_vars": {},
        "durations": {},
        "result_columns": [*_COLUMNS, *_STATISTICS],
        "results": {name: _row(column, created_s(run) * 1000) for name, column in cells.items()},
    }


def _row(cells: Cells, started_ms: int) -> list[object]:
    """Values of the columns; statistics where any case has them, since asv wants all of them or none."""
    row: list[object] = [[value for value, _ in cells.values()], [list(cells)], VERSION, started_ms, None]
    if any(statistics for _, statistics in cells.values()):
        for i in range(len(_STATISTICS)):
            row.append([None if statistics is None else statistics[i] for _, statistics in cells.values()])
    return row


def _earlier(path: Path, commit: str) -> dict[str, Cells]:
    """What an earlier export has written of this commit, by benchmark."""
    doc = _read(path)
    if doc.get("commit_hash") != commit:
        return {}
    try:
        return {
            name: _cells(dict(zip(doc["result_columns"], row, strict=False))) for name, row in doc["results"].items()
        }
    except (TypeError, ValueError, KeyError, AttributeError, IndexError):
        raise UserError(f"{path} is no result file of an earlier export: give --out another folder") from None


def _cells(row: Doc) -> Cells:
    (cases,), values = row["params"], row["result"]
    columns = [row.get(name) or [None] * len(cases) for name in _STATISTICS]
    statistics = [None if None in found else found for found in zip(*columns, strict=True)]
    return dict(zip(cases, zip(values, statistics, strict=True), strict=True))


def _benchmarks(ours: Mapping[str, Benchmark], cases: Mapping[str, list[str]], path: Path) -> Doc:
    """What the folder has already, and ours: a benchmark's cases are those of all runs so far."""
    found = _read(path)
    for name, benchmark in ours.items():
        try:
            (before,) = found[name]["params"] if name in found else ([],)
            together = list(dict.fromkeys([*before, *cases[name]]))
        except (TypeError, ValueError, KeyError):
            raise UserError(f"{path} is no list of asv benchmarks: give --out another folder") from None
        found[name] = {
            "name": name,
            "code": f"# {benchmark.meaning}",
            "param_names": ["case"],
            "params": [together],
            "type": benchmark.kind,
            "unit": benchmark.unit,
            "version": VERSION,
        }
    return {**found, "version": 2}


def _read(path: Path) -> Doc:
    """The object in a file; an empty one where there is no file."""
    if not path.exists():
        return {}
    try:
        found = read_json(path)
    except UserError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path} is not one of asv's files: give --out another folder")
    return found


def _machine(run: Run, name: str) -> Mapping[str, object]:
    hardware = run.env.hardware
    # asv's page puts these texts into HTML as they are.
    return {
        "version": 1,
        "machine": name,
        "os": html.escape(one_line(run.env.software.os)),
        "arch": "",
        "cpu": html.escape(one_line(hardware.cpu_model)),
        "num_cpu": str(hardware.cores_logical),
        "ram": f"{hardware.ram_bytes >> 30} GiB",
        "gpus": html.escape(one_line(", ".join(gpu.name for gpu in hardware.gpus))),
    }


def _configuration(out: Path, here: Checkout | None) -> Doc:
    return {
        "version": 1,
        "project": "emtm-bench",
        "repo": "." if here is None else Path(os.path.relpath(here.root, out)).as_posix(),
        "branches": ["HEAD" if here is None else here.branch],
        "results_dir": "results",
        "html_dir": "html",
        "regressions_thresholds": {"static\\..*": 0.0},
    }


FORMAT = Format("asv", "folder", "airspeed velocity: results of one commit after the other, asv.conf.json", render)
