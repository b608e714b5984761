"""Figures, changes and commits as people read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bench.history.changes import Analysis, Change
from bench.history.folder import RunEntry
from bench.history.measures import Measure
from bench.report.quantity import byte_size, digits, si

_HASH = re.compile(r"[0-9a-f]{40}")


def value_text(value: float, measure: Measure) -> str:
    """With its unit; exact figures to the last digit."""
    if measure.kind == "exact":
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.10g}"
        return f"{text} {measure.unit}".rstrip()
    if measure.kind == "accuracy":
        return f"{value:.1f} %"
    return si(value, measure.unit) if measure.kind == "noisy" else f"{digits(value, 4)} {measure.unit}"


def newest_text(analysis: Analysis) -> str:
    """The newest value; a time in seconds too, because nobody thinks in products."""
    reading, measure = analysis.series.points[-1].reading, analysis.series.measure
    text = value_text(reading.value, measure)
    return text if reading.seconds is None else f"{si(reading.seconds, 's')} = {text}"


def brief_text(analysis: Analysis) -> str:
    """The newest value, short: a time in seconds alone; what is no time says what it is."""
    measure = analysis.series.measure
    text = newest_text(analysis).partition(" = ")[0]
    return text if measure.kind == "time" else f"{text} {measure.name}"


def heading(name: str) -> str:
    """`latency` -> `Latency`; `mIoU` and `MACs` stay."""
    return name if any(letter.isupper() for letter in name[:2]) else name[:1].upper() + name[1:]


def levels_text(change: Change) -> str:
    """Before and after, the unit of both once."""
    after = value_text(change.after, change.measure)
    before = value_text(change.before, change.measure)
    if change.measure.kind in ("time", "exact"):
        before = before.removesuffix(change.measure.unit).rstrip()
    return f"{before} → {after}"


def axis_value(value: float, measure: Measure) -> str:
    """Short, for the axis of a chart that names the unit elsewhere."""
    if measure.unit == "B":
        return byte_size(value)
    if measure.kind == "time":
        return f"{value:,.10g}"
    return f"{value:g} %" if measure.kind == "accuracy" else si(value, measure.unit)


def step_text(change: Change) -> str:
    """Size of a change: relative, and in points for percentages."""
    if change.measure.kind == "accuracy":
        return f"{change.after - change.before:+.1f} points"
    percent = 100 * change.relative
    return f"{percent:+.1f} %" if abs(percent) >= 0.1 or not percent else f"{percent:+.1g} %"


def commit_text(run: RunEntry) -> str:
    """The commit in short, with a plus where the checkout held more; the run's name where no commit is known."""
    if run.commit is None:
        return f"run {run.run_id}"
    name = run.commit[:10] if _HASH.fullmatch(run.commit) else run.commit
    return f"{name}{'+' if run.dirty else ''}"


def date_text(run: RunEntry) -> str:
    """Day of the commit, or of the run where git does not know the commit."""
    return datetime.fromtimestamp(run.time_s, UTC).strftime("%Y-%m-%d")


def cause_text(change: Change) -> str:
    """Why a change may have come, where it is not the code alone."""
    if change.cause == "environment":
        return f"together with the environment ({'; '.join(change.environment)}): not to be told from the code"
    return "between runs of one commit: not the code" if change.cause == "same commit" else ""
