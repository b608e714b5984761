"""A training step of a whole batch, beside the GEMM floor."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.train_step import TRAIN_STEP


@pytest.mark.measure(TRAIN_STEP)
def test_train_step(measured: Measured) -> None:
    measured()
