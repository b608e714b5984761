"""CSV in the manner of timm: one row a case, flat names with their units, one file a device.

The columns are the same for every run, so that the files of two releases can be compared line by line. A cell is
empty where there is no figure; `left_out` says which figures of the row are kept back and why. What a spreadsheet
would run as a formula has an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from bench.export.format import Format, Rendering
from bench.export.quantities import QUANTITIES, synthetic
from bench.export.selection import Selection, select
from bench.missing import known, of
from bench.record import CaseRecord
from bench.run import Run
from bench.safe import csv_cell, file_stem, one_line
from emtm.errors import UserError

Cell = str | float | None


def render(run: Run, out: Path) -> Rendering:
    """A table a device, cases in the order of the run file."""
    if not run.cases:
        raise UserError(f"run {run.run_id} holds no case: nothing was written")
    selection = select(run)
    by_device: dict[str, list[CaseRecord]] = {}
    for case in run.cases:
        by_device.setdefault(case.execution.device, []).append(case)
    return Rendering(
        {
            f"results-{file_stem(device)}.csv": _table(_row(case, run, selection) for case in cases)
            for device, cases in by_device.items()
        }
    )


def _table(rows: Iterable[dict[str, Cell]]) -> str:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Cell) -> Cell:
    return csv_cell(one_line(value)) if isinstance(value, str) else value


def _row(case: CaseRecord, run: Run, selection: Selection) -> dict[str, Cell]:
    figures = {p.quantity.key: p.figure for p in selection.points if p.case is case}
    row = _identity(case)
    for quantity in QUANTITIES:
        figure = figures.get(quantity.key)
        row[quantity.column] = None if figure is None else figure.value
        if quantity.better != "same":
            low, high = (figure and figure.interval) or (None, None)
            row |= {f"{quantity.column}_low": low, f"{quantity.column}_high": high}
    return row | {"left_out": selection.kept_back(case)} | _origin(run)


def _identity(case: CaseRecord) -> dict[str, Cell]:
    return {
        "case_id": case.case_id,
        "model": case.model.name,
        "base": case.model.base,
        "role": case.model.role,
        "weights": case.model.weights_kind,
        "seed": known(case.model.seed),
        "dataset": case.workload.dataset,
        "synthetic": "yes" if synthetic(case) else "",
        "scenario": case.workload.scenario,
        "device": case.execution.device,
        "dtype": case.execution.dtype,
        "backend": case.execution.backend,
        "threads": known(case.execution.threads),
        "batch_size": case.workload.batch_size,
        "num_clips": known(case.workload.num_clips),
        "num_words": known(case.workload.num_words),
        "num_chars": known(case.workload.num_chars),
        "status": case.status,
        "reason": known(case.reason),
        "noise": known(of(case.noise, lambda block: block.verdict)),
    }


def _origin(run: Run) -> dict[str, Cell]:
    """Where the row was measured: a table that leaves it to the name of the file loses it with the name."""
    hardware, software = run.env.hardware, run.env.software
    dirty = known(run.suite.dirty)
    return {
        "run_id": run.run_id,
        "created_utc": run.created_utc,
        "commit": known(run.suite.commit),
        "dirty": None if dirty is None else "yes" if dirty else "no",
        "profile": run.suite.profile,
        "environment": run.env.fingerprint,
        "cpu": hardware.cpu_model,
        "gpus": ", ".join(gpu.name for gpu in hardware.gpus) or None,
        "torch": software.torch,
        "python": software.python,
    }


FORMAT = Format("csv", "folder", "tables in timm's manner: results-DEVICE.csv, one row a case", render)
