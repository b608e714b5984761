"""The report as content: what is said, in which order, before it becomes Markdown or HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.report import story
from bench.report.audit import cache_tables, crosscheck_tables, stage_tables
from bench.report.cells import Table
from bench.report.end_to_end import end_to_end_tables
from bench.report.environment import card, warnings
from bench.report.figures import all_figures, study_figures
from bench.report.frame import cases_frame
from bench.report.kinds import kind_tables
from bench.report.published import published_tables
from bench.report.study import Study
from bench.report.study_tables import study_command, study_limits, study_protocol, study_tables
from bench.report.style import Figure
from bench.report.tables import accuracy_tables, cost_tables
from bench.report.workflows import workflow_tables
from emtm.errors import UserError

Run = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with figures and tables; sections without either are not made."""

    key: str
    title: str
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a reader is told, in the order of the fields."""

    title: str
    warnings: tuple[str, ...]
    cards: tuple[tuple[tuple[str, str], ...], ...]
    limits: tuple[str, ...]
    protocol: tuple[str, ...]
    sections: tuple[Section, ...]
    commands: tuple[str, ...]
    cases: pd.DataFrame
    study: Study | None

    @property
    def figures(self) -> list[Figure]:
        """All figures, in order."""
        return [figure for section in self.sections for figure in section.figures]


def build(docs: Sequence[Run], names: Sequence[str], study: Study | None = None) -> Report:
    """The report of these runs and of a study; `names` are the run files as the user would give them.

    Without runs it is the report of the study alone. Raises UserError when two runs hold the same
    case, or there is no case at all.
    """
    cases = cases_frame(docs)
    if cases.empty and (docs or study is None):
        raise UserError(f"there is no case in {', '.join(names)}")
    return Report(
        title="Temporal sentence grounding: accuracy and cost",
        warnings=tuple(warnings(docs, cases)),
        cards=tuple(tuple(card(doc)) for doc in docs),
        limits=(*(story.limits(cases) if docs else ()), *(study_limits(study) if study else ())),
        protocol=(*(story.protocol(cases) if docs else ()), *story.budgets(docs), *(study_protocol() if study else ())),
        sections=tuple(_sections(cases, study)),
        commands=(
            *(study_command(study) if study else ()),
            *story.commands(docs, names, study.path if study else None),
        ),
        cases=cases,
        study=study,
    )


def _sections(cases: pd.DataFrame, study: Study | None) -> list[Section]:
    figures = all_figures(cases)
    missing = story.without_result(cases)
    parts = (
        (
            "accuracy",
            "Accuracy and what it costs",
            "pareto",
            [*accuracy_tables(cases), *published_tables(cases), *kind_tables(cases)],
        ),
        ("cost", "Cost of one query at the sizes of the papers", "throughput", cost_tables(cases)),
        ("end-to-end", "What the published comparisons leave out", None, end_to_end_tables(cases)),
        ("workflows", "Training and evaluation", None, workflow_tables(cases)),
        ("stages", "Where compute and time go", "stages", [*cache_tables(cases), *stage_tables(cases)]),
        ("crosscheck", "What fvcore would have said, and why", None, crosscheck_tables(cases)),
        ("missing", "Cases without a result", None, [missing] if missing else []),
    )
    sections = [
        Section(
            key,
            title,
            tuple(figure for figure in figures if stem is not None and figure.name.startswith(stem)),
            tuple(tables),
        )
        for key, title, stem, tables in parts
    ]
    if study is not None:
        # Behind what the models achieve, before what they cost.
        title = "What distillation is worth"
        sections.insert(1, Section("study", title, tuple(study_figures(study)), tuple(study_tables(study))))
    return [section for section in sections if section.figures or section.tables]
