"""Latency of a single query on one thread, beside the GEMM floor."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.latency import LATENCY


@pytest.mark.measure(LATENCY)
def test_latency(measured: Measured) -> None:
    measured()
