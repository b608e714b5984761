"""The time to evaluate a whole test split."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.evaluation import EVALUATION


@pytest.mark.measure(EVALUATION)
def test_evaluation(measured: Measured) -> None:
    measured()
