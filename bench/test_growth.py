"""One query in videos of ever more clips."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.growth import GROWTH


@pytest.mark.measure(GROWTH)
def test_growth(measured: Measured) -> None:
    measured()
