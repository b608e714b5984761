"""The static site: an index, a page a case, one style sheet, two scripts; it asks nothing of anybody else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined

from bench.history.changepoints import SHORTEST
from bench.history.changes import Analysis, Change
from bench.history.chart import chart, letter, sparkline, step_plot, stretches, tone
from bench.history.environments import differences
from bench.history.events import events
from bench.history.flat import FalseAlarms
from bench.history.format import (
    brief_text,
    cause_text,
    commit_text,
    date_text,
    heading,
    levels_text,
    newest_text,
    step_text,
)
from bench.history.series import CaseHistory, Gap, History
from bench.history.status import Status, status
from bench.report.formats.assets import asset
from bench.report.quantity import plural
from bench.safe import file_stem

SYMBOLS: Mapping[Status, str] = {
    Status.FAILING: "✕",
    Status.MISSING: "○",
    Status.WORSE: "▲",
    Status.SKIPPED: "–",
    Status.BETTER: "▼",
    Status.ENVIRONMENT: "◆",
    Status.SHORT: "…",
    Status.STEADY: "·",
}
"""Beside the word, so that no mark depends on its colour."""


_EVENTS_SHOWN = 12
"""Older ones are a click away."""


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with all that its page and its row in the index show."""

    history: CaseHistory
    analyses: tuple[Analysis, ...]
    status: Status
    file: str

    @property
    def main(self) -> Analysis | None:
        """The figure that stands for the case in the index: a time, where there is one."""
        return self.analyses[0] if self.analyses else None

    @property
    def charted(self) -> list[Analysis]:
        """Those that vary."""
        return [analysis for analysis in self.analyses if not _noiseless(analysis)]

    @property
    def noiseless(self) -> list[Analysis]:
        """Those that need no chart."""
        return [analysis for analysis in self.analyses if _noiseless(analysis)]

    @property
    def newest_change(self) -> Change | None:
        """Of all figures."""
        found = [change for analysis in self.analyses for change in analysis.changes]
        return max(found, key=lambda change: change.run, default=None)


def site_files(history: History, analyses: Sequence[Analysis], alarms: FalseAlarms) -> dict[str, bytes]:
    """Every file of the site by its path under the folder."""
    cases = _views(history, analyses)
    templates = _templates(history)
    by_id = {case.history.case_id: case for case in cases}
    pages = {
        "index.html": templates.get_template("index.html.j2").render(
            cases=cases,
            by_id=by_id,
            counts=Counter(case.status for case in cases),
            events=events(analyses),
            shown=_EVENTS_SHOWN,
            shortest=SHORTEST,
            environments=_environment_rows(history),
            alarms=str(alarms),
        )
    }
    page = templates.get_template("case.html.j2")
    for before, case, after in zip([None, *cases], cases, [*cases[1:], None], strict=False):
        pages[f"cases/{case.file}"] = page.render(case=case, before=before, after=after)
    assets = files("bench.history") / "templates"
    pages["runs.js"] = _runs_script(history)
    pages["page.js"] = (assets / "page.js").read_text("utf-8")
    pages["style.css"] = asset("base.css") + (assets / "style.css").read_text("utf-8")
    return {name: text.encode() for name, text in pages.items()}


def _views(history: History, analyses: Sequence[Analysis]) -> list[CaseView]:
    """Gravest first."""
    of_case: dict[str, list[Analysis]] = {case.case_id: [] for case in history.cases}
    for analysis in analyses:
        of_case[analysis.case_id].append(analysis)
    views = [
        CaseView(case, tuple(found), status(history, case, found), f"{file_stem(case.case_id)}.html")
        for case in history.cases
        if (found := of_case[case.case_id]) is not None
    ]
    order = list(Status)
    return sorted(views, key=lambda view: (order.index(view.status), view.history.case_id))


def _environment_rows(history: History) -> list[dict[str, object]]:
    """By environment: its letter, its runs, its machine, and what differs from the one before."""
    rows = []
    for kind, facts in enumerate(history.environments):
        spans = [(start, end - 1) for start, end, found in stretches(history) if found == kind]
        before = history.environments[kind - 1] if kind else facts
        rows.append(
            {
                "letter": letter(kind),
                "first": spans[0][0],
                "last": spans[-1][1],
                "runs": sum(end - start + 1 for start, end in spans),
                "machine": history.runs[spans[0][0]].machine,
                "differences": differences(before, facts),
            }
        )
    return rows


def _templates(history: History) -> Environment:
    environment = Environment(
        loader=PackageLoader("bench.history", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "commit": lambda run: commit_text(history.runs[run]),
        "date": lambda run: date_text(history.runs[run]),
        "plural": plural,
        "step": step_text,
        "cause": cause_text,
        "tone": tone,
        "newest": newest_text,
        "brief": brief_text,
        "heading": heading,
        "levels": levels_text,
        "chart": lambda analysis, case: chart(history, case.history, analysis),
        "step_plot": lambda analysis: step_plot(history, analysis.series.points),
        "sparkline": lambda analysis: sparkline(history, analysis.series.points),
        "dates": lambda _: [date_text(history.runs[i]) for i in _marks(len(history.runs))],
        "gap": lambda gap: _gap_text(history, gap),
    }
    environment.globals |= {
        "history": history,
        "symbols": SYMBOLS,
        "Status": Status,
        "damaged": [file for file in history.skipped if file.damaged],
    }
    return environment


def _noiseless(analysis: Analysis) -> bool:
    """Shown as a row of a table: exact figures, and accuracies that were the same in every run."""
    values = {point.reading.value for point in analysis.series.points}
    return analysis.series.measure.kind == "exact" or (analysis.series.measure.kind == "accuracy" and len(values) == 1)


def _marks(runs: int) -> list[int]:
    """Runs whose dates stand below a chart: first, middle, last."""
    return sorted({0, (runs - 1) // 2, runs - 1})


def _gap_text(history: History, gap: Gap) -> str:
    """When a gap was."""
    first, last = history.runs[gap.first], history.runs[gap.last]
    if gap.first == gap.last:
        return f"{date_text(first)} ({commit_text(first)})"
    until = "the newest run" if gap.last == len(history.runs) - 1 else f"{date_text(last)} ({commit_text(last)})"
    return f"{date_text(first)} ({commit_text(first)}) to {until}, {gap.last - gap.first + 1} runs"


def _runs_script(history: History) -> str:
    """What the pages' script says of a run when a chart is read; ASCII, so that no text can end the script."""
    runs = [
        [date_text(run), commit_text(run), letter(kind)]
        for run, kind in zip(history.runs, history.environment_of, strict=True)
    ]
    return f"const RUNS = {json.dumps(runs)};\n"
