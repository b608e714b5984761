"""The report as content: what is said, in which order, before it becomes Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report import story
from bench.report.audit import cache_tables, crosscheck_tables, stage_tables
from bench.report.cells import Table
from bench.report.content.content import Content, gather
from bench.report.content.study import Study
from bench.report.end_to_end import end_to_end_tables
from bench.report.environment import card, warnings
from bench.report.figure_pareto import pareto_figures
from bench.report.figure_stages import stage_figures
from bench.report.figure_throughput import throughput_figures
from bench.report.figures import study_figures
from bench.report.kinds import kind_tables
from bench.report.published import published_tables
from bench.report.study_tables import study_command, study_limits, study_protocol, study_tables
from bench.report.style import Figure
from bench.report.tables import accuracy_tables, cost_tables
from bench.report.workflows import workflow_tables
from bench.run import Run


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
    content: Content

    @property
    def figures(self) -> list[Figure]:
        """All figures, in order."""
        return [figure for section in self.sections for figure in section.figures]


def build(runs: Sequence[Run], names: Sequence[str], study: Study | None = None) -> Report:
    """The report of these runs and of a study; `names` are the run files as the user would give them.

    Without runs it is the report of the study alone. Raises UserError when two runs hold the same
    case, or there is no case at all.
    """
    content = gather(runs, names, study)
    return Report(
        title="Temporal sentence grounding: accuracy and cost",
        warnings=tuple(warnings(content)),
        cards=tuple(tuple(card(run)) for run in runs),
        limits=(*(story.limits(content) if runs else ()), *(study_limits(study) if study else ())),
        protocol=(*(story.protocol(content) if runs else ()), *(study_protocol() if study else ())),
        sections=tuple(_sections(content)),
        commands=(*(study_command(study) if study else ()), *story.commands(content)),
        content=content,
    )


def _sections(content: Content) -> list[Section]:
    missing = story.without_result(content)
    accuracy = [*accuracy_tables(content), *published_tables(content), *kind_tables(content)]
    stages = [*cache_tables(content), *stage_tables(content)]
    parts: tuple[tuple[str, str, list[Figure], list[Table]], ...] = (
        ("accuracy", "Accuracy and what it costs", pareto_figures(content.tradeoffs), accuracy),
        (
            "cost",
            "Cost of one query at the sizes of the papers",
            throughput_figures(content.curves),
            cost_tables(content),
        ),
        ("end-to-end", "What the published comparisons leave out", [], end_to_end_tables(content)),
        ("workflows", "Training and evaluation", [], workflow_tables(content)),
        ("stages", "Where compute and time go", stage_figures(content.stage_macs), stages),
        ("crosscheck", "What fvcore would have said, and why", [], crosscheck_tables(content)),
        ("missing", "Cases without a result", [], [missing] if missing else []),
    )
    sections = [Section(key, title, tuple(figures), tuple(tables)) for key, title, figures, tables in parts]
    if (study := content.study) is not None:
        # Behind what the models achieve, before what they cost.
        title = "What distillation is worth"
        sections.insert(1, Section("study", title, tuple(study_figures(study)), tuple(study_tables(study))))
    return [section for section in sections if section.figures or section.tables]
