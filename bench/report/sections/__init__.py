"""Sections of a report, one a file: what is said about the content, in words, tables and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.report.content.content import Content
from bench.report.sections import (
    accuracy,
    audit,
    cold_start,
    control,
    cost,
    crosscheck,
    end_to_end,
    few_labels,
    growth,
    no_result,
    reuse,
    roofline,
    stages,
    study,
    tradeoff,
    training_cost,
    workflows,
)
from bench.report.sections.section import Section


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader asks, and the sections that answer."""

    key: str
    """Names it in addresses within the page."""
    title: str
    sections: tuple[Callable[[Content], Section], ...]


QUESTIONS = (
    Question("choose", "Which model for my budget?", (tradeoff.section,)),
    Question(
        "costs",
        "What does it cost?",
        (
            cost.section,
            reuse.section,
            growth.section,
            end_to_end.section,
            training_cost.section,
            workflows.section,
            cold_start.section,
            stages.section,
            roofline.section,
        ),
    ),
    Question("how-accurate", "How accurate is it?", (accuracy.section, study.section, few_labels.section)),
    Question("trust", "Can I trust it?", (control.section, audit.section, crosscheck.section, no_result.section)),
)
"""In the order of the document; how to do it again comes last."""
