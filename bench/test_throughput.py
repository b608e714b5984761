"""Queries a second over batch sizes, on all cores."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.throughput import THROUGHPUT


@pytest.mark.measure(THROUGHPUT)
def test_throughput(measured: Measured) -> None:
    measured()
