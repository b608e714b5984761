"""From the printed figure to the cost of inference, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version

from bench.audit.causes import causes
from bench.audit.passes import configured, inference_macs, published_shape, published_subject, same_pass
from bench.audit.record import FORMAT, Audit, Counts, FigureAudit, Hypothesis, Inputs, Row, Software, Unread
from bench.cases import paper_shape
from bench.missing import Missing, of
from bench.published.efficiency import Entry, Figure, Protocol, Table, published_tables
from bench.record import Crosscheck
from bench.subjects import Shape

Progress = Callable[[str], None]

_NO_CLOCK = Missing("a time of another machine is not reproduced by counting")
_NO_HYPOTHESIS = Missing("there is no hypothesis about a figure that is not counted")
_TENSORFLOW = Missing("TensorFlow's profiler on the graph that trains is not run here")


def audit(tables: Sequence[Table] | None = None, progress: Progress = lambda _: None) -> Audit:
    """Audits all packaged tables, or these; `progress` is told the label of each row before it is counted."""
    tables = published_tables() if tables is None else tables
    rows: list[Row] = []
    for table in tables:
        found = []
        for entry in table.entries:
            progress(f"{entry.label} on {entry.dataset}")
            found.append(_row(table, entry))
        rows += _ranked(found)
    software = Software(torch=version("torch").partition("+")[0], fvcore=version("fvcore"))
    unread = tuple(Unread(paper=table.paper, what=what) for table in tables for what in table.unread)
    return Audit(format=FORMAT, software=software, rows=tuple(rows), unread=unread)


def _row(table: Table, entry: Entry) -> Row:
    protocol, figure = entry.protocol, entry.figure("compute")
    row = Row(
        paper=table.paper,
        read=table.read,
        model=entry.model,
        label=entry.label,
        dataset=entry.dataset,
        figures=tuple(_figure(one, _NO_CLOCK) for one in entry.figures),
        hypothesis=_NO_HYPOTHESIS,
        counts=_NO_HYPOTHESIS,
        causes=(),
        printed_rank=_NO_HYPOTHESIS,
        rank=_NO_HYPOTHESIS,
    )
    return row if protocol is None or figure is None else _counted(row, entry, protocol, figure)


def _counted(row: Row, entry: Entry, protocol: Protocol, printed: Figure) -> Row:
    config, lean = configured(entry, official=True), configured(entry, official=False)
    published = published_subject(entry, protocol)
    given, stated = published_shape(entry.dataset, config, protocol), paper_shape(entry.dataset, lean)
    inference = inference_macs(entry.model, lean, stated)
    exact: int | Missing = _TENSORFLOW
    needed: int | Missing = _TENSORFLOW
    answer: Crosscheck | Missing = _TENSORFLOW
    if protocol.counter == "fvcore":
        exact, answer = same_pass(published, protocol)
        needed = inference_macs(entry.model, lean, given)
    hypothesis = Hypothesis(
        counter=protocol.counter,
        inputs=_inputs(given),
        configured_clips=config.max_clips,
        settings=protocol.settings,
        waste=protocol.waste,
        why=protocol.why,
    )
    counts = Counts(
        same_pass=exact,
        needed=needed,
        inference=inference,
        stated=_inputs(stated),
        ratio=inference / printed.value,
    )
    reproduced: Mapping[str, float | Missing] = {
        "compute": of(answer, lambda answer: answer.fvcore_macs),
        "params": published.trainable,
    }
    return replace(
        row,
        figures=tuple(_figure(figure, reproduced.get(figure.quantity, _NO_CLOCK)) for figure in entry.figures),
        hypothesis=hypothesis,
        counts=counts,
        causes=causes(printed, published.trainable, hypothesis, counts, answer),
    )


def _figure(figure: Figure, reproduced: float | Missing) -> FigureAudit:
    return FigureAudit(
        quantity=figure.quantity,
        called=figure.called,
        printed=f"{figure.printed} {figure.unit}",
        value=figure.value,
        reproduced=reproduced,
        off_pct=of(reproduced, lambda value: 100 * value / figure.value - 100),
        same_digits=of(reproduced, figure.prints),
    )


def _inputs(shape: Shape) -> Inputs:
    return Inputs(clips=shape.num_clips, words=shape.num_words, chars=shape.num_chars)


def _ranked(rows: Sequence[Row]) -> list[Row]:
    """The rows with their ranks among those of their dataset."""
    ranked = []
    for row in rows:
        rivals = [one for one in rows if one.dataset == row.dataset and not isinstance(one.counts, Missing)]
        if row in rivals:
            row = replace(row, printed_rank=_rank(row, rivals, _printed), rank=_rank(row, rivals, _inference))
        ranked.append(row)
    return ranked


def _rank(row: Row, rivals: Sequence[Row], cost: Callable[[Row], float]) -> int:
    return 1 + sum(cost(one) < cost(row) for one in rivals)


def _printed(row: Row) -> float:
    figure = row.figure("compute")
    assert figure is not None
    return figure.value


def _inference(row: Row) -> float:
    assert not isinstance(row.counts, Missing)
    return row.counts.inference
