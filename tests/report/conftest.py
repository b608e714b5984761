import copy
import json
from pathlib import Path

import pytest

from bench.report.document import build
from bench.report.output import report_files

EXAMPLE = Path(__file__).with_name("example_run.json")


@pytest.fixture(scope="session")
def example_doc():
    return json.loads(EXAMPLE.read_text("utf-8"))


@pytest.fixture
def doc(example_doc):
    """A copy that a test may change."""
    return copy.deepcopy(example_doc)


@pytest.fixture(scope="session")
def example_report(example_doc):
    return build([example_doc], ["example_run.json"])


@pytest.fixture(scope="session")
def example_files(example_report):
    return report_files(example_report)
