"""The report as one HTML file that asks for nothing: style, script and figures are inside it."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from bench.report.document import Report
from bench.report.formats.inline_svg import inline
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
    environment.filters |= {"inline": inline, "grid": _grid}
    css, script = ((files("bench.report.formats") / name).read_text("utf-8") for name in ("page.css", "page.js"))
    template = environment.get_template("page.html.j2")
    return template.render(report=report, css=Markup(css), script=Markup(script), policy=_policy(css, script)) + "\n"


def _policy(css: str, script: str) -> str:
    """A Content-Security-Policy that knows the page's own style and script by their hashes and lets nothing else in."""
    style, code = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (css, script))
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{code}'; base-uri 'none'; "
        "form-action 'none'"
    )


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
