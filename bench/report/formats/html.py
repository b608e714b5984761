"""The report as one HTML file that asks for nothing: style, script and figures are inside it."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from bench.missing import Json
from bench.report.content.subject import Subject
from bench.report.document import TRUST, Report
from bench.report.figures.style import Figure
from bench.report.formats.assets import SCRIPTS, STYLES, asset, policy
from bench.report.formats.budget import budget_entry, budgeted
from bench.report.formats.plot_svg import key_svg, panel_svg
from bench.report.formats.tables import TABLE_FORMATS, table_names
from bench.report.quantity import plural, superscript
from bench.report.sections.cells import Cell, Table, marked
from emtm.metrics.metric import HEADLINE

_FILTERED_FROM = 6
"""A table of fewer rows is seen at a glance."""


def report_html(report: Report) -> str:
    """The page, complete."""
    environment = Environment(
        loader=PackageLoader("bench.report.formats", "."),
        autoescape=select_autoescape(default=True, default_for_string=True, enabled_extensions=("j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    tables = [table for section in report.sections for table in section.tables]
    subjects = _Subjects()
    grids = {
        id(table): _grid(table, f"table-{name}", subjects)
        for table, name in zip(tables, table_names(tables), strict=True)
    }
    figures = {figure.name: _drawn(figure, subjects) for figure in report.figures}
    environment.filters |= {
        "key": key_svg,
        "drawn": lambda figure: figures[figure.name],
        "grid": lambda table: grids[id(table)],
        "plural": plural,
    }
    css, script = asset(*STYLES), asset(*SCRIPTS)
    template = environment.get_template("page.html.j2")
    page = template.render(
        report=report,
        trust=TRUST,
        metric=HEADLINE.title,
        budget=subjects.budget(),
        css=Markup(css),
        script=Markup(script),
        policy=policy(css, script),
    )
    return page + "\n"


class _Subjects:
    """Short names within the page for what its rows and marks are about."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, ...], tuple[str, Subject]] = {}

    def name(self, subject: Subject | None) -> str | None:
        """None for what no budget limits."""
        if subject is None or not budgeted(subject):
            return None
        return self._found.setdefault(subject.key, (f"s{len(self._found)}", subject))[0]

    def budget(self) -> str:
        """What the control is told, as JSON."""
        entries: dict[str, Json] = {name: budget_entry(subject) for name, subject in self._found.values()}
        return json.dumps(entries, allow_nan=False) if entries else ""


def _grid(table: Table, name: str, subjects: _Subjects) -> dict[str, Any]:
    """A table as the template wants it: rows of marked cells, footnotes with their marks, the texts to carry away."""
    cells, notes = marked(table)
    rows = [
        {"cells": shown, "subject": subjects.name(_subject(row)), "noisy": table.noisy(row)}
        for shown, row in zip(cells, table.rows, strict=True)
    ]
    split = len(rows) if table.rule_before is None else table.rule_before
    numeric = [all(row[i].numeric for row in cells) for i in range(len(table.headers))]
    return {
        "name": name,
        "head": [
            {"text": header.replace(" % ", "\u00a0%\u00a0"), "numeric": right, "timed": header in table.timed}
            for header, right in zip(table.headers, numeric, strict=True)
        ],
        "body": rows[:split],
        "foot": rows[split:],
        "filtered": split >= _FILTERED_FROM,
        "notes": [(superscript(i), note) for i, note in enumerate(notes, 1)],
        "texts": [
            (kind.name, f"{name.removeprefix('table-')}.{kind.ending}", kind.write(table)) for kind in TABLE_FORMATS
        ],
    }


def _drawn(figure: Figure, subjects: _Subjects) -> list[tuple[str, Markup]]:
    """Title and drawing of each panel."""
    assert figure.plot is not None
    return [(panel.title, panel_svg(panel, subjects.name)) for panel in figure.plot.panels]


def _subject(row: tuple[Cell, ...]) -> Subject | None:
    return next((cell.subject for cell in row if cell.subject is not None), None)
