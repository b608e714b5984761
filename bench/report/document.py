"""The report as a document: what is said, in which order, before it becomes Markdown or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.audit.record import Audit
from bench.report.content.content import Content, gather
from bench.report.content.study import Study
from bench.report.figures.style import Figure
from bench.report.sections import SECTIONS
from bench.report.sections.environment import card, warnings
from bench.report.sections.limits import limits
from bench.report.sections.protocol import protocol
from bench.report.sections.repeat import commands
from bench.report.sections.section import Section
from bench.run import Run
from bench.safe import clean, cleaned


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


def build(runs: Sequence[Run], names: Sequence[str], study: Study | None = None, audit: Audit | None = None) -> Report:
    """The report of these runs, a study and an audit; `names` are the run files as the user would give them.

    No text of theirs holds more than one line, or anything that a terminal would obey. Without runs it is the report of
    the other two alone. Raises UserError when two runs hold the same case, or there is no case at all.
    """
    runs, study, audit = [cleaned(run) for run in runs], cleaned(study), cleaned(audit)
    content = gather(runs, [clean(name) for name in names], study, audit)
    made = [make(content) for make in SECTIONS]
    sections = [section for section in made if section.figures or section.tables]
    return Report(
        title="Temporal sentence grounding: accuracy and cost",
        warnings=tuple(warnings(content)),
        cards=tuple(tuple(card(run)) for run in runs),
        limits=(*limits(content), *(line for section in sections for line in section.limits)),
        protocol=(*protocol(content), *(line for section in sections for line in section.protocol)),
        sections=tuple(sections),
        commands=(*(line for section in sections for line in section.commands), *commands(content)),
        content=content,
    )
