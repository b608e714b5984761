"""The words around the numbers: limits, protocol, how to repeat the run. All of it follows the data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from bench.report.cells import Table, text
from bench.report.frame import Row, number, reason, rows_of
from bench.report.quantity import plural
from bench.report.seeds import is_synthetic, seeds_frame, trained
from bench.report.tables import untrained

MANY_SEEDS = 5
"""Below this many seeds a difference between two models is an observation, not a finding."""


def limits(cases: pd.DataFrame) -> list[str]:
    """What the numbers of this report do not say."""
    rows = [row for row in rows_of(cases) if row["status"] == "ok"]
    found: list[str] = []
    if any(is_synthetic(row) for row in rows if trained(row)):
        found.append(
            "Accuracies on synthetic datasets say nothing about real video. They show that a model learns and "
            "what it costs; they stand in tables and figures of their own."
        )
    if any(row.get("model.weights_kind") == "random" for row in rows):
        found.append("Rows with random weights measure cost alone; they have no accuracy.")
    seeds = [int(row["seeds"]) for row in rows_of(seeds_frame(cases))]
    if seeds and min(seeds) < MANY_SEEDS:
        found.append(f"Some models were trained with {plural(min(seeds), 'seed')}: small differences may be chance.")
    found.append(
        "Latency, throughput and memory belong to the machine in the card above. "
        "Parameters and MACs are exact and the same everywhere."
    )
    if any("video_feature_extraction" in (row.get("workload.excludes") or []) for row in rows):
        where = "no figure"
        if any(row.get("workload.scenario") == "end_to_end" for row in rows):
            where = "no figure but those of “What the published comparisons leave out”"
        found.append(f"Extracting the video features is in {where}; it usually costs more than all the rest.")
    found += _missing(untrained(cases), "energy.joules_per_query", "Energy was not measured")
    return found


def _missing(rows: list[Row], column: str, sentence: str) -> list[str]:
    if not rows or any(number(row, column) is not None for row in rows):
        return []
    return [f"{sentence}: {'; '.join(sorted({reason(row, column) for row in rows}))}."]


def protocol(cases: pd.DataFrame) -> list[str]:
    """How each kind of number was obtained."""
    rows = [row for row in rows_of(cases) if row["status"] == "ok" and "latency.n" in row]
    warmup, samples = (_range(rows, f"latency.{name}") for name in ("warmup", "n"))
    clock = ", ".join(sorted({str(row["latency.clock"]) for row in rows if "latency.clock" in row}))
    convention = ", ".join(sorted({str(row["compute.convention"]) for row in rows if "compute.convention" in row}))
    steps = [
        f"Compute is counted operator by operator while the model runs ({convention}). MACs and FLOPs are those of "
        "matrix products and convolutions; norms and element-wise work are counted apart, in the CSV. fvcore's "
        "figure stands beside them: the number most papers print, and the share of the exact MACs that it sees.",
        f"Latency is the median of {samples} timed calls after {warmup} warm-up calls ({clock}), with a 99 % "
        "interval; a percentile is given only when there are enough calls to bound it.",
        "× GEMM floor is the latency over the time that the same multiply-adds take in one plain matrix product "
        "timed in turn with the model. It has no unit and carries over to other machines better than seconds do.",
        "Throughput is given at the knee: the smallest batch that comes within 10 % of the best rate.",
        "Peak memory is the weights, the inputs and the most that intermediate tensors take at once. It is "
        "deterministic; what the process and the allocator hold beyond it is in the CSV.",
    ]
    if any(trained(row) for row in rows_of(cases)):
        steps.append(
            "Accuracy is the percentage of queries whose best moment overlaps the annotated one by at least the "
            "given IoU (R1@IoU), and the mean IoU. The timestamp protocol scores seconds against seconds. A floor "
            "is what can be reached without the query or without the video."
        )
    return steps


def budgets(docs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rule of each profile by which dear cases lose their expensive parts, with its limits."""
    found = {}
    for doc in docs:
        budget = dict(doc["suite"].get("budget") or {})
        if rule := budget.pop("rule", None):
            limits = ", ".join(f"{name} {value:g}" for name, value in budget.items())
            found[f"Profile {doc['suite']['profile']} leaves out what is too dear for it. {rule} Limits: {limits}."] = 1
    return list(found)


def _range(rows: list[Row], column: str) -> str:
    values = [value for row in rows if (value := number(row, column)) is not None]
    if not values:
        return "some"
    low, high = min(values), max(values)
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def without_result(cases: pd.DataFrame) -> Table | None:
    """The cases that were not measured, and why; None when there are none."""
    rows = [row for row in rows_of(cases) if row["status"] != "ok"]
    if not rows:
        return None
    return Table(
        title="Cases without a result",
        caption="Nothing is left out silently.",
        headers=("Case", "Status", "Reason"),
        rows=tuple(
            (text(str(row["case_id"])), text(str(row["status"])), text(str(row.get("reason", "not stated"))))
            for row in rows
        ),
    )


def commands(docs: Sequence[Mapping[str, Any]], names: Sequence[str], study: str | None = None) -> list[str]:
    """The shell commands that measure the runs again and draw this report from their files."""
    lines = []
    for doc in docs:
        commit = doc["suite"].get("commit")
        lines += [*([f"git checkout {commit}"] if commit else []), _measure(doc["suite"].get("argv") or [])]
    names = [*names, *(["--study", study] if study else [])]
    return [*dict.fromkeys(lines), f"python -m bench.report {shlex.join(names)}"]


def _measure(argv: Sequence[str]) -> str:
    """The recorded command, without the folder that the program happened to be in."""
    if not argv:
        return "pytest bench/ --benchmark-only"
    program = Path(argv[0])
    name = "pytest" if program.name in ("__main__.py", "pytest", "py.test") else program.name
    return shlex.join([name, *argv[1:]])
