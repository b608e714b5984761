r"""OpenMetrics text, for Prometheus: what a scraper of files or a push gateway takes.

    python -m bench.report export --to openmetrics RUN --out /var/lib/node_exporter/emtm.prom

One gauge a quantity, in base units that stand in its name, with gauges for the ends of its interval beside it.
Every metric is a gauge without a timestamp, so that readers of the older Prometheus text take the file as well.
`emtm_case_info` says what a case is and how it ended; `emtm_run_info` says where and from what it was measured.
A rule for the exact counts: `changes(emtm_macs[2d]) > 0`; for a case that has gone:
`emtm_case_info offset 1d unless on(case_id) emtm_case_info`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.export.created import created_s
from bench.export.format import Format, Rendering
from bench.export.quantities import QUANTITIES, Quantity, Unit, synthetic
from bench.export.selection import Point, Selection, select
from bench.missing import known
from bench.record import CaseRecord
from bench.run import Run
from bench.safe import one_line

_UNITS: dict[Unit, str] = {
    "s": "seconds",
    "queries/s": "queries_per_second",
    "J": "joules",
    "B": "bytes",
    "%": "percent",
    "ratio": "",
    "parameters": "",
    "MACs": "",
}

Labels = Mapping[str, str]
Sample = tuple[Labels, float]


def render(run: Run, out: Path) -> Rendering:
    """One exposition."""
    selection = select(run)
    lines = [*_family("emtm_run_info", "", "What was measured, where and when", [(_run(run), 1)])]
    start: list[Sample] = [({}, created_s(run))]
    lines += _family("emtm_run_start_time", "seconds", "Start of the run, seconds since 1970", start)
    cases = [(_case(case, selection), 1) for case in run.cases]
    lines += _family("emtm_case_info", "", "A case and how it ended", cases)
    for quantity in QUANTITIES:
        lines += _quantity(quantity, [point for point in selection.points if point.quantity is quantity])
    return Rendering({".": "\n".join([*lines, "# EOF", ""])})


def _quantity(quantity: Quantity, points: list[Point]) -> Iterator[str]:
    name, unit = f"emtm_{quantity.key}", _UNITS[quantity.unit]
    yield from _family(name, unit, quantity.meaning, [(_which(p.case), p.figure.value) for p in points])
    bounded = [(_which(p.case), p.figure.interval) for p in points if p.figure.interval is not None]
    for end, side in enumerate(("low", "high")):
        meaning = f"{side.capitalize()} end of the interval of {name}"
        yield from _family(f"{name}_{side}", unit, meaning, [(labels, bounds[end]) for labels, bounds in bounded])


def _family(name: str, unit: str, meaning: str, samples: Sequence[Sample]) -> Iterator[str]:
    if not samples:
        return
    full = f"{name}_{unit}" if unit else name
    yield f"# TYPE {full} gauge"
    if unit:
        yield f"# UNIT {full} {unit}"
    yield f"# HELP {full} {meaning}"
    for labels, value in samples:
        shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{full}{{{shown}}} {value}" if shown else f"{full} {value}"


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _which(case: CaseRecord) -> Labels:
    return {
        "case_id": case.case_id,
        "model": case.model.name,
        "dataset": case.workload.dataset,
        "scenario": case.workload.scenario,
        "device": case.execution.device,
    }


def _case(case: CaseRecord, selection: Selection) -> Labels:
    facts = {
        **_which(case),
        "dtype": case.execution.dtype,
        "backend": case.execution.backend,
        "threads": known(case.execution.threads),
        "batch_size": case.workload.batch_size,
        "synthetic": "yes" if synthetic(case) else None,
        "status": case.status,
        "reason": known(case.reason),
        "left_out": selection.kept_back(case),
    }
    return {key: str(value) for key, value in facts.items() if value is not None}


def _run(run: Run) -> Labels:
    dirty = known(run.suite.dirty)
    facts = {
        "run_id": run.run_id,
        "commit": known(run.suite.commit),
        "dirty": None if dirty is None else "yes" if dirty else "no",
        "profile": run.suite.profile,
        "environment": run.env.fingerprint,
        "cpu": run.env.hardware.cpu_model,
        "torch": run.env.software.torch,
        "python": run.env.software.python,
    }
    return {key: value for key, value in facts.items() if value is not None}


FORMAT = Format("openmetrics", "file", "OpenMetrics text for Prometheus", render)
