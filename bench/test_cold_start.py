"""A first answer in processes that have just begun: import, build, load, call."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.cold_start import COLD_START


@pytest.mark.measure(COLD_START)
def test_cold_start(measured: Measured) -> None:
    measured()
