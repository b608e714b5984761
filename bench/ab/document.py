"""An A/B as JSON, for programs; and the lines that both the terminal and a comment say of it."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.ab.findings import Report
from bench.ab.revisions import Revision
from bench.ab.session import Trial
from bench.codec import encode
from bench.compare.document import finding_json
from bench.compare.wording import headline
from bench.missing import Json
from emtm.errors import ExitCode

SCHEMA = "emtm-bench/ab"
VERSION = "1.0.0"


def document(report: Report, code: ExitCode) -> dict[str, Json]:
    """Everything, raw medians of all rounds included. `code` is what the command exits with."""
    plan, outcome = report.plan, report.outcome
    return {
        "schema": SCHEMA,
        "schema_version": VERSION,
        "created_utc": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "verdict": report.verdict.value,
        "exit_code": int(code),
        "headline": headline(report),
        "base": _side(report.base),
        "head": _side(report.head),
        "plan": {
            "min_effect_pct": 100 * plan.min_effect,
            "alpha": plan.alpha,
            "beta": plan.beta,
            "looks": list(plan.looks),
        },
        "rounds": outcome.rounds,
        "elapsed_s": outcome.elapsed_s,
        "valid": outcome.valid,
        "sentinels": [trial_json(trial) for trial in outcome.sentinels],
        "trials": [trial_json(trial) for trial in outcome.trials],
        "findings": [finding_json(finding) for finding in report.findings],
        "env": encode(report.environment),
    }


def trial_json(trial: Trial) -> Json:
    """One comparison under way, as it ended."""
    found = trial.found
    return {
        "case_id": trial.case_id,
        "verdict": trial.verdict.value,
        "reason": trial.reason,
        "ratio": None if found is None else found.ratio,
        "interval": None if found is None else [found.low, found.high],
        "p": None if found is None else found.p,
        "resolution": None if found is None else found.resolution,
        "pairs": trial.pairs,
        "round_log_ratios": list(trial.logs),
    }


def _side(revision: Revision) -> Json:
    return {"name": revision.name, "commit": revision.commit, "dirty": revision.dirty}


def side_line(revision: Revision) -> str:
    """`main, commit 6c219ed7`."""
    return f"{revision.name}, commit {revision.commit[:8]}{' with changes' if revision.dirty else ''}"


def notes(report: Report) -> list[str]:
    """What the session says of itself: the sentinels, and how long it took."""
    lines = [
        f"{trial.case_id}: {trial.verdict.value}" + (f", ×{trial.found.ratio:.3f}" if trial.found is not None else "")
        for trial in report.outcome.sentinels
        if trial.logs
    ]
    if not report.outcome.valid:
        lines.append("The sentinels did not come out as they must: this machine carries no verdict now")
    return [*lines, f"{report.outcome.rounds} rounds in {report.outcome.elapsed_s:.0f} s"]
