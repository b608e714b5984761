"""The report as a document: what a reader asks and is told, in which order, before it becomes Markdown or HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.audit.record import Audit
from bench.report.content.content import Content, gather
from bench.report.content.few_labels import FewLabels
from bench.report.content.study import Study
from bench.report.figures.style import Figure
from bench.report.sections import QUESTIONS
from bench.report.sections.environment import card, invalid, warnings
from bench.report.sections.limits import limits
from bench.report.sections.protocol import protocol
from bench.report.sections.repeat import commands
from bench.report.sections.section import Section
from bench.run import Run
from bench.safe import clean, cleaned

TRUST = "trust"
"""Key of the question that limits, protocol and environment belong to."""


@dataclass(frozen=True, slots=True)
class Part:
    """A reader's question, and what answers it; `key` names it in addresses within the page."""

    key: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a reader is told, in the order of the fields; limits, protocol and cards end the part on trust."""

    invalid: tuple[str, ...]
    """Runs that carry no verdict."""
    title: str
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]
    limits: tuple[str, ...]
    protocol: tuple[str, ...]
    cards: tuple[tuple[tuple[str, str], ...], ...]
    commands: tuple[str, ...]
    content: Content

    @property
    def sections(self) -> list[Section]:
        """All sections, in order."""
        return [section for part in self.parts for section in part.sections]

    @property
    def figures(self) -> list[Figure]:
        """All figures, in order."""
        return [figure for section in self.sections for figure in section.figures]


def build(
    runs: Sequence[Run],
    names: Sequence[str],
    studies: Sequence[Study | FewLabels] = (),
    audit: Audit | None = None,
    judged: Callable[[Content], Section] | None = None,
) -> Report:
    """The report of these runs, of studies and of an audit; `names` are the run files as the user would give them.

    `judged` says what they mean for claims, first of all on trust: claims are judged above reports, not in them.

    No text of theirs holds more than one line, or anything that a terminal would obey. Without runs it is the report of
    the other two alone. Raises UserError as `gather` does.
    """
    runs, studies, audit = [cleaned(run) for run in runs], [cleaned(study) for study in studies], cleaned(audit)
    content = gather(runs, [clean(name) for name in names], studies, audit)
    first = {TRUST: () if judged is None else (judged,)}
    parts = [
        Part(asked.key, asked.title, _shown([make(content) for make in (*first.get(asked.key, ()), *asked.sections)]))
        for asked in QUESTIONS
    ]
    sections = [section for part in parts for section in part.sections]
    return Report(
        invalid=tuple(invalid(content)),
        title="Temporal sentence grounding: accuracy and cost",
        warnings=tuple(warnings(content)),
        parts=tuple(part for part in parts if part.sections or part.key == TRUST),
        limits=(*limits(content), *(line for section in sections for line in section.limits)),
        protocol=(*protocol(content), *(line for section in sections for line in section.protocol)),
        cards=tuple(tuple(card(run)) for run in runs),
        commands=(*(line for section in sections for line in section.commands), *commands(content)),
        content=content,
    )


def _shown(sections: Sequence[Section]) -> tuple[Section, ...]:
    return tuple(section for section in sections if section.figures or section.tables)
