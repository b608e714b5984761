"""A comparison as the comment of a pull request: the verdict first, few lines, everything else folded.

Names come from run files, and a run file from whoever opened the pull request: they are code in which nothing means
anything.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from bench.safe import markdown_literal as code
from bench.safe import short
from bench.verdict import Verdict

_SHOWN = 3
"""Findings above the fold."""
_MOST_ROWS = 150
"""A comment may have 65,536 characters, and a name a few hundred in its written form."""
_MOST_CHARACTERS = 60_000


def markdown(comparison: Comparison) -> str:
    """The comment on a comparison of two run files."""
    notes = [*environment_lines(comparison), *resolution_lines(comparison)]
    return comment(comparison, (run_line(comparison.base), run_line(comparison.head)), notes)


def comment(judged: Judged, sides: tuple[str, str], notes: Sequence[str]) -> str:
    """The comment: at most ten lines that are not folded; `sides` say what base and head are."""
    order = list(Verdict)
    rows = [(case_id, finding) for case_id, findings in noteworthy(judged) for finding in findings]
    rows.sort(key=lambda row: order.index(row[1].verdict))
    verdict, _, counts = headline(judged).partition(": ")
    lines = [f"**{verdict}**: {counts}", ""]
    lines += [f"- {_line(case_id, finding)}" for case_id, finding in rows[:_SHOWN]]
    lines += [f"- and {len(rows) - _SHOWN} more, below"] if len(rows) > _SHOWN else []
    lines += [""] if rows else []
    lines += [f"base {code(sides[0])}<br>head {code(sides[1])}", ""]
    return "\n".join(lines + _folded(notes, rows)) + "\n"


def _line(case_id: str, finding: Finding) -> str:
    said = "; ".join(part for part in (values(finding), change(finding), short(finding.reason)) if part)
    figure = f" {code(finding.figure)}" if finding.figure else ""
    return f"**{finding.verdict}**{figure} {code(short(case_id))}" + (f": {code(said)}" if said else "")


def _folded(notes: Sequence[str], rows: list[tuple[str, Finding]]) -> list[str]:
    lines = ["<details><summary>Details</summary>", ""]
    if rows:
        lines += ["| verdict | case | figure | base → head | change | why |", "| --- | --- | --- | --- | --- | --- |"]
    room = _MOST_CHARACTERS
    for at, (case_id, finding) in enumerate(rows):
        cells = (case_id, finding.figure, values(finding), change(finding), finding.reason)
        row = f"| {finding.verdict} | {' | '.join(code(short(cell)) if cell else '' for cell in cells)} |"
        room -= len(row)
        if at == _MOST_ROWS or room < 0:
            lines += ["", f"{len(rows) - at} more stand in the JSON of the comparison."]
            break
        lines.append(row)
    lines += ["", *(f"- {code(line)}" for line in notes)]
    return [*lines, "", "</details>"]
