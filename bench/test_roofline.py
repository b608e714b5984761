"""What binds a single query: multiply-adds, bytes or operators."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.roofline import ROOFLINE


@pytest.mark.measure(ROOFLINE)
def test_roofline(measured: Measured) -> None:
    measured()
