"""github-action-benchmark: a file for each direction, since there the direction belongs to the file.

`gab-smaller.json` for `tool: customSmallerIsBetter`, `gab-bigger.json` for `customBiggerIsBetter`, and
`gab-exact.json` with the exact counts, for either of them at `alert-threshold: 100%`: each count stands there with
its inverse, so that a smaller count alarms as a bigger one does. A file without figures is not written, because the
action fails on it. The same files feed nyrkio/change-detection.

    - uses: benchmark-action/github-action-benchmark@COMMIT
      with: {tool: customSmallerIsBetter, output-file-path: dashboards/gab-smaller.json, name: smaller, ...}

The action compares with the last commit alone and says nothing of a name that has gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from bench.export.format import Format, Rendering
from bench.export.quantities import Better, Unit, synthetic
from bench.export.selection import Point, select
from bench.record import Interval
from bench.run import Run
from bench.safe import label
from emtm.errors import UserError

FILES: dict[Better, str] = {"smaller": "gab-smaller.json", "bigger": "gab-bigger.json", "same": "gab-exact.json"}

# Units stay as they are for good: the action rescales times to the unit of the last point, and nothing else.
_SCALES: dict[Unit, tuple[float, str]] = {"s": (1e3, "ms"), "J": (1e3, "mJ"), "B": (1, "bytes")}

Entry = dict[str, str | float]


def render(run: Run, out: Path) -> Rendering:
    """Up to three lists of entries."""
    entries: dict[Better, list[Entry]] = {better: [] for better in FILES}
    for point in select(run).points:
        entries[point.quantity.better].extend(_entries(point, run))
    files = {FILES[better]: _text(found) for better, found in entries.items() if found}
    if not files:
        raise UserError(f"run {run.run_id} holds no figure for github-action-benchmark: nothing was written")
    return Rendering(files, removed=tuple(name for name in FILES.values() if name not in files))


def _entries(point: Point, run: Run) -> Iterator[Entry]:
    factor, unit = _SCALES.get(point.quantity.unit, (1, point.quantity.unit))
    name = f"{label(point.case.case_id)}/{point.quantity.key}"
    entry: Entry = {"name": name, "value": _scaled(point.figure.value, factor), "unit": unit}
    if point.figure.interval is not None:
        entry["range"] = f"± {_half_width(point.figure.value, point.figure.interval, factor):.3g}"
    yield {**entry, "extra": _extra(point, run)}
    if point.quantity.better == "same" and point.figure.value:
        yield {
            "name": f"{name}-inverse",
            "value": 1 / point.figure.value,
            "unit": f"1/{unit}",
            "extra": "alarms when the count becomes smaller",
        }


def _scaled(value: float, factor: float) -> float:
    """Without the tail that a binary fraction gets from a power of ten; counts stay integers."""
    return value if factor == 1 else float(f"{value * factor:.12g}")


def _half_width(value: float, interval: Interval, factor: float) -> float:
    return factor * max(value - interval[0], interval[1] - value)


def _extra(point: Point, run: Run) -> str:
    """Tooltip of the point."""
    lines = [point.quantity.meaning]
    if point.quantity.unit == "%" and synthetic(point.case):
        lines.append("synthetic data")
    if point.figure.samples:
        lines.append(f"{len(point.figure.samples)} samples")
    return "\n".join([*lines, f"environment {label(run.env.fingerprint)[:21]}"])


def _text(entries: list[Entry]) -> str:
    return json.dumps(entries, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


FORMAT = Format("gab", "folder", "github-action-benchmark: gab-smaller.json, gab-bigger.json, gab-exact.json", render)
