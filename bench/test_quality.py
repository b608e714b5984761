"""Accuracy of the trained runs, in the row of their cost."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.quality import QUALITY


@pytest.mark.measure(QUALITY)
def test_quality(measured: Measured) -> None:
    measured()
