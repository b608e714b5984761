"""`claims`: verdicts on claims, from files of evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def claims(
    file: Annotated[
        list[Path] | None,
        typer.Argument(help="Run files, studies' summaries and audits; by default all in reports/reference."),
    ] = None,
    own: Annotated[
        list[Path] | None, typer.Option("--claims", help="A file of your own claims, judged beside the suite's.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as Markdown.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the tables as CSV, a line for each row.")] = False,
) -> None:
    """Judge claims: supported, refuted, inconclusive or not measured, each with its estimate and where it was read.

    Exit codes: 0 fine, 2 wrong input, 7 a file that does not follow its schema, 8 a claim that is marked as kept is
    refuted.
    """
    from bench.claims.claim import load_claims, packaged_claims, unique
    from bench.claims.document import document
    from bench.claims.evidence import gather
    from bench.claims.judging import exit_code, judge
    from bench.claims.tables import claim_tables
    from bench.report.formats.csv import tables_csv
    from bench.report.formats.markdown import table_markdown
    from bench.report.formats.terminal import print_table, terminal
    from bench.safe import cleaned
    from emtm.errors import UserError

    if as_json + as_markdown + as_csv > 1:
        raise UserError("--json, --markdown and --csv exclude each other")
    stated = unique((*packaged_claims(), *(claim for path in own or () for claim in load_claims(path))))
    judged = judge(stated, gather(file or None))
    code, shown = exit_code(judged), cleaned(judged)
    if as_json:
        print(json.dumps(document(judged, int(code)), indent=1, allow_nan=False))
    elif as_markdown:
        print("\n\n".join(map(table_markdown, claim_tables(shown))))
    elif as_csv:
        print(tables_csv(claim_tables(shown)), end="")
    else:
        console = terminal()
        for table in claim_tables(shown):
            print_table(console, table)
    raise typer.Exit(int(code))
