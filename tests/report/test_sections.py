"""A section is a file and a line in the list of sections; every format then has it."""

import pytest

from bench.report import document
from bench.report.content.content import Content
from bench.report.formats.html import report_html
from bench.report.formats.markdown import report_markdown
from bench.report.sections import QUESTIONS, Question
from bench.report.sections.cells import Table, text
from bench.report.sections.section import Section
from tests.report.conftest import Doc, run_of


def new_section(content: Content) -> Section:
    table = Table("Clocks", "Read twice.", ("Model",), tuple((text(case.model.name),) for case in content.cases))
    return Section(key="clocks", title="What the clocks say", tables=(table,), limits=("Clocks drift.",))


@pytest.fixture
def small(doc: Doc) -> Doc:
    """A run that draws no figure."""
    doc["cases"] = [case for case in doc["cases"] if case["status"] == "failed"]
    return doc


def test_a_new_section_is_in_every_format(small: Doc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "QUESTIONS", (Question("time", "What time is it?", (new_section,)), *QUESTIONS))
    report = document.build([run_of(small)], ["run.json"])
    assert [section.key for section in report.sections] == ["clocks", "missing"]
    assert report.limits[-1] == "Clocks drift."
    assert "## What time is it?\n\n### What the clocks say" in report_markdown(report)
    assert '<a href="#clocks">What the clocks say</a>' in report_html(report)


def test_a_section_with_nothing_to_show_is_left_out(small: Doc, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Section(key="clocks", title="What the clocks say", limits=("Clocks drift.",))
    asked = Question("time", "What time is it?", (lambda content: empty,))
    monkeypatch.setattr(document, "QUESTIONS", (asked, *QUESTIONS))
    report = document.build([run_of(small)], ["run.json"])
    assert [section.key for section in report.sections] == ["missing"]
    assert "Clocks drift." not in report.limits


def test_keys_are_unique(example_report: document.Report) -> None:
    keys = [one.key for part in example_report.parts for one in (part, *part.sections)]
    assert len(keys) == len(set(keys))
