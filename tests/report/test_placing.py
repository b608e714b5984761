from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bench.report.figures.placing import Box, place, spread

FRAME = Box(0, 0, 400, 300)


def test_names_of_crowded_points_do_not_overlap() -> None:
    anchors = [(100.0, 100.0), (104.0, 103.0), (108.0, 99.0), (102.0, 108.0)]
    dots = [Box(x - 5, y - 5, x + 5, y + 5) for x, y in anchors]
    boxes = place(anchors, [(60.0, 12.0)] * 4, dots, FRAME)
    assert not any(a.overlap(b) for i, a in enumerate(boxes) for b in [*boxes[:i], *dots])


def test_a_name_stays_inside() -> None:
    (box,) = place([(395.0, 295.0)], [(60.0, 12.0)], [], FRAME)
    assert box.overlap(FRAME) == box.area


@given(st.lists(st.floats(0, 100), min_size=1, max_size=10))
def test_spread_keeps_the_distance_the_order_and_the_bounds(wanted: list[float]) -> None:
    found = spread(wanted, gap=10, low=0, high=100)
    ordered = sorted(found)
    assert all(b - a >= 10 - 1e-9 for a, b in pairwise(ordered))
    assert ordered[0] >= -1e-9 and ordered[-1] <= 100
    assert [found[i] for i in sorted(range(len(wanted)), key=wanted.__getitem__)] == ordered
