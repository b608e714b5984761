"""A comparison as JSON, for programs."""

from __future__ import annotations

import math

from bench.compare.comparison import Comparison
from bench.compare.finding import Finding
from bench.compare.judging import Resolution
from bench.compare.spread import Spread
from bench.compare.wording import headline
from bench.missing import Json, known
from bench.run import Run
from emtm.errors import ExitCode

SCHEMA = "emtm-bench/comparison"
VERSION = "1.0.0"


def document(comparison: Comparison, code: ExitCode) -> dict[str, Json]:
    """Everything, findings that are the same included. `code` is what the command exits with."""
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "verdict": comparison.verdict.value,
        "exit_code": int(code),
        "headline": headline(comparison),
        "base": _run(comparison.base),
        "head": _run(comparison.head),
        "min_effect_pct": 100 * comparison.min_effect,
        "machines": {
            "same": not comparison.hardware,
            "differences": list(comparison.hardware),
            "times_compared_across": comparison.across_machines,
            "software_differences": list(comparison.software),
        },
        "newly_noisy": list(comparison.newly_noisy),
        "resolution": [_resolution(can) for can in comparison.resolutions],
        "counts": {verdict.value: count for verdict, count in comparison.counts.items()},
        "findings": [finding_json(finding) for finding in comparison.findings],
    }


def _run(run: Run) -> dict[str, Json]:
    return {
        "run_id": run.run_id,
        "created_utc": run.created_utc,
        "commit": known(run.suite.commit),
        "dirty": known(run.suite.dirty),
        "profile": run.suite.profile,
        "fingerprint": run.env.fingerprint,
    }


def _resolution(can: Resolution) -> dict[str, Json]:
    return {
        "figure": can.figure,
        "cases": can.cases,
        "called_from": math.exp(can.told),
        "all_together": None if can.shared is None else math.exp(can.shared),
        "scatter_pct": _percent(can.scatter),
        "twins_base": _spread(can.base),
        "twins_head": _spread(can.head),
    }


def _spread(found: Spread | None) -> Json:
    return None if found is None else {"apart_pct": _percent(found.deviation), "differences": found.freedom}


def _percent(log: float | None) -> float | None:
    return None if log is None else 100 * math.expm1(log)


def finding_json(finding: Finding) -> Json:
    """One finding."""
    told = finding.change
    return {
        "case_id": finding.case_id,
        "kind": finding.kind,
        "figure": finding.figure,
        "verdict": finding.verdict.value,
        "base": finding.base,
        "head": finding.head,
        "unit": finding.unit,
        "change": None if told is None else told.value,
        "interval": None if told is None or told.interval is None else list(told.interval),
        "called_from": None if told is None else told.called_from,
        "reason": finding.reason,
    }
