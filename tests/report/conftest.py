from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from bench.codec import decode
from bench.report.content.content import Content, gather
from bench.report.document import Report, build
from bench.report.formats.folder import report_files
from bench.run import Run

EXAMPLE = Path(__file__).with_name("example_run.json")
Doc = dict[str, Any]
"""A run file as JSON, which a test may change before it becomes a record."""


def run_of(doc: Doc) -> Run:
    """The record of a run file."""
    return decode(Run, doc)


def content_of(*docs: Doc) -> Content:
    """What a report of these run files knows."""
    return gather([run_of(doc) for doc in docs], ["run.json"] * len(docs))


@pytest.fixture(scope="session")
def example_doc() -> Doc:
    doc: Doc = json.loads(EXAMPLE.read_text("utf-8"))
    return doc


@pytest.fixture
def doc(example_doc: Doc) -> Doc:
    """A copy that a test may change."""
    return copy.deepcopy(example_doc)


@pytest.fixture(scope="session")
def example_report(example_doc: Doc) -> Report:
    return build([run_of(example_doc)], ["example_run.json"])


@pytest.fixture(scope="session")
def example_files(example_report: Report) -> dict[str, bytes]:
    return report_files(example_report)
