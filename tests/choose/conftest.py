"""The example run of the report's tests, and cases of it."""

from pathlib import Path

import pytest

from bench.record import CaseRecord
from bench.results import read_run
from bench.run import Run

EXAMPLE = Path(__file__).parents[1] / "report" / "example_run.json"


@pytest.fixture(scope="session")
def example() -> Run:
    return read_run(EXAMPLE)


@pytest.fixture
def case(example: Run) -> CaseRecord:
    """The student on Charades-STA: 6.057 ms [5.984, 6.144], 52.3 M MACs."""
    return example.cases[0]
