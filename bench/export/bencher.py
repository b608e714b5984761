"""Bencher: one file in its metric format, every case a benchmark, intervals as bounds.

    bencher run --adapter json --file bmf.json --testbed MACHINE
        --threshold-measure macs --threshold-test percentage --threshold-max-sample-size 1
        --threshold-lower-boundary 0 --threshold-upper-boundary 0

`latency` (nanoseconds) and `throughput` (queries a second) are Bencher's own measures; the others come into being
with the first upload and have their unit in the name. A percentage test with boundaries of 0 over one sample
alarms on any change of an exact count. Bencher says nothing of a benchmark that has gone.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from bench.export.format import Format, Rendering
from bench.export.quantities import Figure, Quantity
from bench.export.selection import select
from bench.run import Run
from bench.safe import label
from emtm.errors import UserError

NANOSECONDS = 1e9

_MUTED = re.compile(r"(_bencher_ignore|BencherIgnore|-bencher-ignore)$")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Metric = dict[str, float]


def render(run: Run, out: Path) -> Rendering:
    """`{benchmark: {measure: {value, lower_value, upper_value}}}`."""
    benchmarks: dict[str, dict[str, Metric]] = {}
    for point in select(run).points:
        measures = benchmarks.setdefault(benchmark_name(point.case.case_id), {})
        measures[_measure(point.quantity)] = _metric(point.quantity, point.figure)
    if not benchmarks:
        raise UserError(f"run {run.run_id} holds no figure for Bencher: nothing was written")
    return Rendering({".": json.dumps(benchmarks, indent=1, allow_nan=False) + "\n"})


def benchmark_name(case_id: str) -> str:
    """The case's label, in a form that Bencher neither mutes nor takes for the key of an existing benchmark."""
    name = label(case_id)
    if _MUTED.search(name) or _UUID.fullmatch(name):
        return f"{name[:-1]}%{ord(name[-1]):02X}"
    return name


def _measure(quantity: Quantity) -> str:
    return quantity.key if quantity.key in ("latency", "throughput") else quantity.column.replace("_", "-")


def _metric(quantity: Quantity, figure: Figure) -> Metric:
    factor = NANOSECONDS if quantity.key == "latency" else 1
    metric = {"value": figure.value * factor}
    if figure.interval is not None:
        metric |= {"lower_value": figure.interval[0] * factor, "upper_value": figure.interval[1] * factor}
    return metric


FORMAT = Format("bencher", "file", "Bencher's metric format", render)
