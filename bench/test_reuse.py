"""Queries that share a video, which is encoded once."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.reuse import REUSE


@pytest.mark.measure(REUSE)
def test_reuse(measured: Measured) -> None:
    measured()
