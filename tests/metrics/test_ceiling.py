import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.annotations import read_annotations
from emtm.data.records import Query, WindowsQuery
from emtm.metrics.ceiling import ceiling
from emtm.metrics.scoring import score
from tests.shared import SHARED, needs_shared


def query(name: str, start: float, end: float, video: str = "v") -> Query:
    return Query(name, video, "a sentence", 10.0, start, end)


def test_by_hand() -> None:
    # Rounded to whole seconds: [2, 5] and [0, 10]; IoUs 2.6 / 3.4 and 1.
    found = ceiling([query("a", 2.4, 5.4), query("b", 0, 10)], 10)
    assert found.means.miou == pytest.approx(100 * (2.6 / 3.4 + 1) / 2)
    assert found.lowest_iou == pytest.approx(2.6 / 3.4)
    assert found.to_json()["clips"] == 10


def test_short_videos_have_a_grid_of_their_own() -> None:
    queries = [query("a", 0, 1), query("b", 0, 1, "w")]
    found = ceiling(queries, 10, {"v": 10, "w": 2})
    assert found.means.miou == pytest.approx(100 * (1 + 0.2) / 2)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0.05, 1)), min_size=1, max_size=8), st.integers(1, 40))
def test_no_prediction_on_the_grid_is_better(moments: list[tuple[float, float]], clips: int) -> None:
    queries = [query(str(i), start, start + length) for i, (start, length) in enumerate(moments)]
    best = ceiling(queries, clips)
    marks = np.arange(clips + 1) / clips * 10.0
    for i in range(clips):
        for j in range(i + 1, min(i + 3, clips + 1)):
            answer = {q.query_id: [[marks[i], marks[j], 1.0]] for q in queries}
            assert score(answer, queries).miou <= best.means.miou + 1e-3


def test_of_several_windows_the_oracle_answers_the_one_that_fits_the_grid() -> None:
    # On clips of 5 s the longest window is rounded to [0, 5] or [0, 10], the other is on the grid.
    windows = ((0.0, 7.0), (5.0, 10.0))
    found = ceiling([WindowsQuery("a", "v", "s", 10.0, 0.0, 7.0, all_windows=windows)], 2)
    assert found.means.miou == pytest.approx(100)
    assert ceiling([query("a", 0, 7)], 2).means.miou == pytest.approx(100 * 5 / 7)


@needs_shared
@pytest.mark.parametrize(
    ("path", "clips", "miou", "hopeless", "lowest", "slack"),
    [
        ("activitynet-captions/val_2.json", 100, 97.4, 0.9, None, 0.4),
        ("tacos/test.json", 256, 93.1, 3.3, 0.28, 0.05),
    ],
)
def test_published_ceilings_of_long_videos(
    path: str, clips: int, miou: float, hopeless: float, lowest: float | None, slack: float
) -> None:
    """Measured elsewhere on every fourth query: of TACoS with times cut to hundredths, of ActivityNet without the
    tenth that lacks I3D features. `hopeless` is the share that cannot reach an IoU of 0.7."""
    found = ceiling(read_annotations(SHARED / "data/annotations" / path).queries[::4], clips)
    assert found.means.miou == pytest.approx(miou, abs=slack)
    assert 100 - found.means.r1["0.7"] == pytest.approx(hopeless, abs=0.6)
    assert lowest is None or found.lowest_iou == pytest.approx(lowest, abs=0.01)


@needs_shared
@pytest.mark.parametrize(("clips", "miou"), [(64, 97.3), (32, 94.7), (16, 90.0)])
def test_published_ceilings_of_charades(clips: int, miou: float) -> None:
    queries = read_annotations(SHARED / "data/annotations/charades-sta/charades_sta_test.txt").queries
    assert round(ceiling(queries, clips).means.miou, 1) == miou
