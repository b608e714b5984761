"""Sections of a report, one a file: what is said about the content, in words, tables and figures."""

from __future__ import annotations

from collections.abc import Callable

from bench.report.content.content import Content
from bench.report.sections import (
    accuracy,
    audit,
    control,
    cost,
    crosscheck,
    end_to_end,
    no_result,
    stages,
    study,
    workflows,
)
from bench.report.sections.section import Section

SECTIONS: tuple[Callable[[Content], Section], ...] = (
    accuracy.section,
    study.section,
    cost.section,
    control.section,
    end_to_end.section,
    workflows.section,
    stages.section,
    crosscheck.section,
    audit.section,
    no_result.section,
)
"""In the order of the document."""
