"""`audit`: the published costs, from the printed figure to what a prediction costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def audit(
    file: Annotated[
        Path | None, typer.Argument(help="An audit made before with --json, to be shown; without it, all is counted.")
    ] = None,
    fit: Annotated[
        bool, typer.Option("--fit", help="Search which clips, words and mode give each printed figure; takes minutes.")
    ] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the tables as CSV, a line for each row.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Audit published costs: printed, reproduced under the published protocol, exact, and inference alone.

    Counts only, so the answer is the same on every machine. What cannot be reproduced says why.
    """
    from bench.audit.audit import audit as count
    from bench.audit.files import document, read_audit
    from bench.audit.fit import fit as search
    from bench.cli.ab import progressing
    from bench.report.formats.csv import tables_csv
    from bench.report.formats.markdown import table_markdown
    from bench.report.formats.terminal import print_table, terminal
    from bench.report.sections.audit import audit_tables
    from bench.safe import cleaned
    from emtm.errors import UserError

    if as_json + as_markdown + as_csv > 1:
        raise UserError("--json, --markdown and --csv exclude each other")
    with progressing() as progress:
        found = cleaned(read_audit(file)) if file else count(progress=_saying(progress, "counting"))
        if fit:
            found = replace(found, fit=search(progress=_saying(progress, "searching")))
    if as_json:
        print(json.dumps(document(found), indent=1, allow_nan=False))
        return
    tables = audit_tables(found)
    if as_csv:
        print(tables_csv(tables), end="")
    elif as_markdown:
        print("\n\n".join(map(table_markdown, tables)))
    else:
        console = terminal()
        for table in tables:
            print_table(console, table)
        for one in found.unread:
            console.print(f"Not audited, of {one.paper}: {one.what}.", markup=False, highlight=False)


def _saying(progress: Callable[[str], object], doing: str) -> Callable[[str], None]:
    def say(what: str) -> None:
        progress(f"{doing} {what}")

    return say
