"""The report as one HTML file that asks for nothing: style, script and figures are inside it."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from bench.report.document import Report
from bench.report.figures.style import Figure
from bench.report.quantity import superscript
from bench.report.sections.cells import Table, marked


def report_html(report: Report) -> str:
    """The page, complete."""
    environment = Environment(
        loader=PackageLoader("bench.report.formats", "."),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"inline": _inline, "grid": _grid}
    css, _, _ = environment.loader.get_source(environment, "page.css")  # type: ignore[union-attr]
    return environment.get_template("page.html.j2").render(report=report, css=Markup(css)) + "\n"


def _grid(table: Table) -> dict[str, Any]:
    """A table as the template wants it: rows of marked cells, footnotes with their marks."""
    rows, notes = marked(table)
    split = len(rows) if table.rule_before is None else table.rule_before
    numeric = [all(row[i].numeric for row in rows) for i in range(len(table.headers))]
    return {
        "head": [
            (header.replace(" % ", "\u00a0%\u00a0"), right)
            for header, right in zip(table.headers, numeric, strict=True)
        ],
        "body": rows[:split],
        "foot": rows[split:],
        "notes": [(superscript(i), note) for i, note in enumerate(notes, 1)],
    }


def _inline(figure: Figure) -> Markup:
    """The SVG without its prologue, with ids of its own, since several share one page."""
    svg = figure.svg[figure.svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{figure.name}-', svg)
    svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{figure.name}-", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"|<svg height="[^"]*" width="[^"]*"', r"<svg \g<1>", svg)
    label = str(Markup.escape(figure.alt)).replace("\\", "")
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))
