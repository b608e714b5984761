"""The published costs, audited: from the printed figure to what a prediction costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.audit.record import Audit, Cause, Counts, FigureAudit, Inputs, Row, Why
from bench.missing import Missing, of
from bench.report.content.content import Content
from bench.report.quantity import digits, plural, share, si
from bench.report.sections.audit_fit import fit_tables
from bench.report.sections.cells import Cell, Table, empty, measured, text
from bench.report.sections.section import Section
from emtm.metrics.published import MARKS

COMMAND = "python -m bench.report audit"
FILE = "audit.json"
"""What the report calls an audit, wherever it was read."""


def section(content: Content) -> Section:
    """Nothing without an audit."""
    key, title, audit = "audit", "The published costs, audited", content.audit
    if audit is None:
        return Section(key=key, title=title)
    return Section(
        key=key,
        title=title,
        tables=tuple(audit_tables(audit)),
        headline=True,
        limits=tuple(f"Not audited, of {one.paper}: {one.what}." for one in audit.unread),
        commands=(f"{COMMAND} --json > {FILE}",),
    )


def audit_tables(audit: Audit) -> list[Table]:
    """The chain of each table and dataset, the hypotheses, what a search found, and what is not reproduced."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in audit.rows:
        groups.setdefault((row.paper, row.dataset), []).append(row)
    counted = [rows for rows in groups.values() if not isinstance(rows[0].counts, Missing)]
    found = [_chain(rows) for rows in counted]
    flat = [row for rows in counted for row in rows]
    found += [_causes(flat), _hypotheses(flat)]
    found += [] if isinstance(audit.fit, Missing) else fit_tables(audit.fit)
    found.append(_times(audit.rows))
    return [table for table in found if table.rows]


def _chain(rows: Sequence[Row]) -> Table:
    first = rows[0]
    return Table(
        title=f"Printed cost of models on {first.dataset}, audited",
        caption=f"Printed by {first.paper} ({_reading(first)}). Reproduced: the same count today, under the protocol "
        "of the next table. Same pass: all that it runs, counted exactly; needed: what its prediction needs of that. "
        f"Inference: what a prediction needs at inputs that are the same for all: {_stated(rows)}; twice as many "
        "FLOPs. Parameters are without the frozen word vectors.",
        headers=(
            *("Model", "Printed “FLOPs”", "Reproduced", "Off", "Same pass, exact MACs", "Needed of it"),
            *("Inference, exact MACs", "× printed", "Rank printed", "Rank exact"),
            *("Params printed", "Params reproduced"),
        ),
        rows=tuple(_chain_row(row) for row in sorted(rows, key=_inference)),
    )


def _inference(row: Row) -> float:
    return row.counts.inference if isinstance(row.counts, Counts) else 0.0


def _chain_row(row: Row) -> tuple[Cell, ...]:
    compute, params, counts = row.figure("compute"), row.figure("params"), row.counts
    return (
        text(row.label),
        _printed(row, compute),
        _reproduced(compute),
        _off(compute),
        measured(of(counts, lambda counts: counts.same_pass), si),
        measured(of(counts, lambda counts: counts.needed), si),
        measured(of(counts, lambda counts: counts.inference), si),
        measured(of(counts, lambda counts: counts.ratio), digits),
        measured(row.printed_rank, str),
        measured(row.rank, str),
        _printed(row, params),
        _reproduced(params),
    )


def _printed(row: Row, figure: FigureAudit | None) -> Cell:
    return empty("not in the table") if figure is None else Cell(f"{figure.printed}{MARKS[row.read]}", figure.value)


def _reproduced(figure: FigureAudit | None) -> Cell:
    """With as many digits as were printed, and a note where one of them differs."""
    if figure is None:
        return empty("not in the table")
    if isinstance(figure.reproduced, Missing):
        return empty(figure.reproduced.reason)
    same = figure.same_digits is True
    return Cell(as_printed(figure), figure.reproduced, None if same else "differs in the digits printed")


def as_printed(figure: FigureAudit) -> str:
    """The reproduced number in the unit and with the decimals of the printed one."""
    number, _, unit = figure.printed.partition(" ")
    scale = figure.value / float(number)
    reproduced = 0.0 if isinstance(figure.reproduced, Missing) else figure.reproduced
    return f"{reproduced / scale:.{len(number.partition('.')[2])}f} {unit}"


def _off(figure: FigureAudit | None) -> Cell:
    if figure is None:
        return empty("not in the table")
    return measured(figure.off_pct, lambda value: f"{value:+.4f} %")


def _causes(rows: Sequence[Row]) -> Table:
    return Table(
        title="Why a printed figure is not the cost of inference",
        caption="Shares are of the exact count of the same pass. What the counter does not see makes a figure too "
        "small, what the prediction does not need makes it too large.",
        headers=("Model", "Why", "Share", "What"),
        rows=tuple(_cause(row, cause) for row in rows for cause in row.causes),
    )


def _cause(row: Row, cause: Cause) -> tuple[Cell, ...]:
    part = Cell("") if isinstance(cause.share_pct, Missing) else Cell(share(cause.share_pct), cause.share_pct)
    return text(row.label), text(_WORDS[cause.why]), part, text(cause.what)


_WORDS: Mapping[Why, str] = {
    "macs called FLOPs": "MACs called FLOPs: half of the FLOPs by the usual count",
    "unseen by the counter": "operators that the counter does not see",
    "dropped by the trace": "dropped by the trace, though the model runs it",
    "waste": "not needed for the prediction",
    "short video": "a video shorter than the model is configured for",
    "training": "no pass: likely the graph that trains, by TensorFlow's profiler",
}


def _reading(row: Row) -> str:
    return {"memory": "recalled, not checked against it", "issue": "quoted in a thread", "repository": "read there"}[
        row.read
    ]


def _stated(rows: Sequence[Row]) -> str:
    queries = {(inputs.words, inputs.chars) for row in rows if (inputs := _stated_inputs(row)) is not None}
    sizes = " or ".join(f"{words} words of {plural(chars, 'letter')}" for words, chars in sorted(queries))
    return f"a query of {sizes}, and a video that fills the clips each model is configured for"


def _stated_inputs(row: Row) -> Inputs | None:
    return row.counts.stated if isinstance(row.counts, Counts) else None


def _hypotheses(rows: Sequence[Row]) -> Table:
    return Table(
        title="How each figure may have come about",
        caption="Hypotheses: batch 1, evaluation mode, the published code's own pass. "
        f"“{COMMAND} --fit” searches clips, words and mode anew.",
        headers=("Model", "Counter", "Clips", "of", "Words", "Letters", "Settings", "What speaks for it"),
        rows=tuple(_hypothesis(row) for row in rows),
    )


def _hypothesis(row: Row) -> tuple[Cell, ...]:
    found = row.hypothesis
    if isinstance(found, Missing):
        return (text(row.label), *([empty(found.reason)] * 7))
    sizes = (found.inputs.clips, found.configured_clips, found.inputs.words, found.inputs.chars)
    counter = {"fvcore": "fvcore", "tensorflow": "TensorFlow's profiler"}[found.counter]
    return (
        text(row.label),
        text(counter),
        *(Cell(str(size), float(size)) for size in sizes),
        text(", ".join(found.settings)),
        text(found.why),
    )


def _times(rows: Sequence[Row]) -> Table:
    return Table(
        title="Printed times",
        caption="A time belongs to a machine: none of these is reproduced. What is printed, and where.",
        headers=("Model", "Sizes of", "What", "Printed", "Where"),
        rows=tuple(
            (text(row.label), text(row.dataset), text(figure.called), _printed(row, figure), text(row.paper))
            for row in rows
            for figure in row.figures
            if figure.quantity == "time"
        ),
    )
