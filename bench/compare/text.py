"""A comparison in the terminal: the verdict first, then the cases that have one of their own."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.compare.comparison import Comparison
from bench.compare.finding import Finding, Judged
from bench.compare.wording import (
    change,
    environment_lines,
    headline,
    noteworthy,
    resolution_lines,
    run_line,
    values,
)
from bench.safe import clean, short
from bench.verdict import Verdict
from emtm.errors import ExitCode

_STYLES = {
    ExitCode.REGRESSION: "bold red",
    ExitCode.CASES: "red",
    ExitCode.ENVIRONMENT: "yellow",
    ExitCode.INCONCLUSIVE: "yellow",
}
_GOOD = {Verdict.FASTER, Verdict.BETTER, Verdict.NEWLY_PASSING, Verdict.SAME}
_MOST_CASES = 30
_MOST_FINDINGS = 6


def print_comparison(console: Console, comparison: Comparison) -> None:
    """Print the whole comparison; what is left out stands in the JSON."""
    print_head(console, comparison, (run_line(comparison.base), run_line(comparison.head)))
    for line in environment_lines(comparison):
        console.print(Text(line, style="yellow"))
    print_findings(console, comparison)
    if comparison.resolutions:
        console.print(Text("\nWhat these two sessions can tell apart", style="bold"))
        for line in resolution_lines(comparison):
            console.print(Text(f"  {line}", style="dim"))


def print_head(console: Console, judged: Judged, sides: tuple[str, str]) -> None:
    """Print the verdict and what base and head are."""
    console.print(Text(headline(judged), style=f"bold {style(judged.verdict)}"))
    console.print(Text(f"base  {sides[0]}\nhead  {sides[1]}", style="dim"))


def print_findings(console: Console, judged: Judged) -> None:
    """Print the findings that are not the same, the heaviest first."""
    cases = noteworthy(judged)
    shown = [finding for _, findings in cases[:_MOST_CASES] for finding in findings[:_MOST_FINDINGS]]
    widths = [max((len(text) for text in column), default=0) for column in zip(*map(_columns, shown), strict=True)]
    for case_id, findings in cases[:_MOST_CASES]:
        console.print()
        console.print(Text(short(case_id), style="bold"))
        console.print(_table(findings[:_MOST_FINDINGS], widths))
        if len(findings) > _MOST_FINDINGS:
            console.print(Text(f"  … {len(findings) - _MOST_FINDINGS} more figures", style="dim"))
    if len(cases) > _MOST_CASES:
        console.print(Text(f"\n… {len(cases) - _MOST_CASES} more cases: --json has them all", style="dim"))


def style(verdict: Verdict) -> str:
    """Colour of a verdict."""
    return _STYLES.get(verdict.exit_code, "green" if verdict in _GOOD else "cyan")


def _table(findings: list[Finding], widths: list[int]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for width in widths:
        table.add_column(no_wrap=True, min_width=width)
    table.add_column()
    for finding in findings:
        verdict, figure = _columns(finding)
        said = (part for part in (values(finding), change(finding), short(finding.reason)) if part)
        table.add_row(Text(verdict, style=style(finding.verdict)), Text(figure), Text(", ".join(said)))
    return table


def _columns(finding: Finding) -> tuple[str, str]:
    return f"  {finding.verdict}", clean(finding.figure)
