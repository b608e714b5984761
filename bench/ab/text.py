"""An A/B in the terminal: the verdict first, then every case with its ratio."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.ab.document import notes, side_line
from bench.ab.findings import Report
from bench.ab.session import Trial
from bench.compare.text import print_findings, print_head, style


def print_report(console: Console, report: Report) -> None:
    """Print what was found; the raw rounds stand in the JSON."""
    print_head(console, report, (side_line(report.base), side_line(report.head)))
    table = Table(box=None, header_style="bold", padding=(0, 2), pad_edge=False)
    table.add_column("case", no_wrap=True)
    for title in ("head / base", "interval", "rounds"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    for trial in (*report.outcome.trials, *(found for found in report.outcome.sentinels if found.logs)):
        table.add_row(*_row(trial))
    console.print()
    console.print(table)
    print_findings(console, report)
    console.print()
    for line in notes(report):
        console.print(Text(line, style="dim"))


def _row(trial: Trial) -> tuple[Text, ...]:
    verdict = Text(trial.verdict.value, style=style(trial.verdict))
    found = trial.found
    if found is None:
        return Text(trial.case_id), Text("-"), Text("-"), Text(str(len(trial.logs))), verdict
    interval = f"[{found.low:.3f}, {found.high:.3f}]"
    return Text(trial.case_id), Text(f"×{found.ratio:.3f}"), Text(interval), Text(str(found.rounds)), verdict
