"""Counts: parameters, multiply-adds by stage, coverage, fvcore's answer."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.static import STATIC


@pytest.mark.measure(STATIC)
def test_static(measured: Measured) -> None:
    measured()
