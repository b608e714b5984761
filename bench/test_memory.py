"""Peak memory of a single query."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.memory import MEMORY


@pytest.mark.measure(MEMORY)
def test_memory(measured: Measured) -> None:
    measured()
