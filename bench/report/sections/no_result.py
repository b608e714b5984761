"""The cases that were not measured, and why."""

from __future__ import annotations

from bench.missing import known
from bench.report.content.content import Content
from bench.report.sections.cells import Table, text
from bench.report.sections.section import Section

TITLE = "Cases without a result"


def section(content: Content) -> Section:
    """Nothing where all cases gave a result."""
    cases = [case for case in content.cases if case.status != "ok"]
    rows = tuple((text(case.case_id), text(case.status), text(known(case.reason) or "not stated")) for case in cases)
    table = Table(TITLE, "Nothing is left out silently.", ("Case", "Status", "Reason"), rows)
    return Section(key="missing", title=TITLE, tables=(table,) if cases else ())
