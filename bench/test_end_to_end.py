"""From a video file to moments: decoding and feature extraction, which comparisons leave out, beside the model."""

from __future__ import annotations

import pytest

from bench.fixtures import Measured
from bench.measures.end_to_end import END_TO_END


@pytest.mark.measure(END_TO_END)
def test_end_to_end(measured: Measured) -> None:
    measured()
