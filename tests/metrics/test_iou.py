from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.metrics.iou import temporal_iou

SECONDS = st.floats(0, 1000)
SEGMENT = st.tuples(SECONDS, SECONDS).map(sorted)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 10], [0, 10], 1),
        ([0, 10], [5, 15], 1 / 3),
        ([0, 10], [2, 4], 0.2),
        ([0, 1], [1, 2], 0),
        ([0, 1], [5, 6], 0),
        ([3, 3], [3, 3], 0),
        ([3, 3], [0, 10], 0),
        ([10, 0], [11, 1], 0),
    ],
)
def test_by_hand(a: Sequence[float], b: Sequence[float], expected: float) -> None:
    assert temporal_iou(a, b) == pytest.approx(expected)


def test_broadcasts() -> None:
    table = temporal_iou(np.tile([0, 10], (4, 1, 1)), np.tile([0, 5], (3, 1)))
    np.testing.assert_allclose(table, np.full((4, 3), 0.5))


@given(SEGMENT, SEGMENT)
def test_symmetric_and_bounded(a: Sequence[float], b: Sequence[float]) -> None:
    assert temporal_iou(a, b) == temporal_iou(b, a)
    assert 0 <= temporal_iou(a, b) <= 1


@given(SEGMENT)
def test_itself_unless_empty(a: Sequence[float]) -> None:
    assert temporal_iou(a, a) == (1 if a[1] > a[0] else 0)
