import dataclasses
import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.choices import Ties
from emtm.data.records import Query, WindowsQuery
from emtm.errors import UserError
from emtm.metrics.conventions import Conventions
from emtm.metrics.iou import Array
from emtm.metrics.scoring import score
from tests.shared import SHARED, needs_shared

TIES: tuple[Ties, Ties] = ("inclusive", "strict")


def query(
    name: str, start: float = 0.0, end: float = 10.0, video: str = "v", duration: float = 20.0, kind: str = "plain"
) -> Query:
    return Query(name, video, "a sentence", duration, start, end, kind)


def moment(start: float, end: float) -> Array:
    return np.array([[start, end, 1.0]])


def test_by_hand() -> None:
    queries = [query("a"), query("b"), query("c", video="w", kind="ordinal"), query("d", video="w")]
    # IoUs 1, 1/2, 3/10 and 0
    answers = {"a": moment(0, 10), "b": moment(0, 5), "c": moment(0, 3), "d": moment(10, 20)}
    found = score(answers, queries)
    assert found.r1 == {"0.3": 75, "0.5": 50, "0.7": 25}
    assert found.miou == pytest.approx(45)
    assert found.r5 is None
    assert found.by_kind["ordinal"].r1 == {"0.3": 100, "0.5": 0, "0.7": 0}
    assert found.by_kind["plain"].queries == 3


def test_strictness_decides_about_an_iou_equal_to_the_threshold() -> None:
    queries = [query("a"), query("b"), query("c")]
    answers = {"a": moment(0, 5), "b": moment(0, 7.1), "c": moment(0, 3)}  # IoUs 1/2, 0.71 and 3/10
    at_least, more = (score(answers, queries, conventions=Conventions(ties=ties)) for ties in TIES)
    third = pytest.approx(100 / 3)
    assert at_least.r1 == {"0.3": 100, "0.5": pytest.approx(200 / 3), "0.7": third}
    assert more.r1 == {"0.3": pytest.approx(200 / 3), "0.5": third, "0.7": third}
    assert (at_least.to_json()["comparison"], more.to_json()["comparison"]) == ("IoU >= m", "IoU > m")
    assert more.by_kind["plain"].r1 == more.r1


def test_breakdown_by_length_of_moment_and_sentence() -> None:
    spans = {"a": (0, 1.9), "b": (0, 2), "c": (5, 8.99), "d": (1, 9), "e": (0, 20)}  # of 20 s
    texts = ("Go.", "he goes, then he is gone away", "a b c d e f", "a b c d e", "it is n't " * 7)
    queries = [
        dataclasses.replace(query(name, *span), sentence=text)
        for (name, span), text in zip(spans.items(), texts, strict=True)
    ]
    found = score({name: moment(*span) for name, span in spans.items()}, queries).to_json()
    counts = {name: group["queries"] for name, group in found["by_moment_length"].items()}
    assert list(counts.items()) == [("< 10 %", 1), ("10-20 %", 2), (">= 40 %", 2)]
    counts = {name: group["queries"] for name, group in found["by_query_length"].items()}
    assert list(counts.items()) == [("1-5", 2), ("6-8", 2), ("> 20", 1)]
    assert all(group["miou"] == 100 for group in found["by_moment_length"].values())


def test_any_of_the_first_five_counts_for_r5() -> None:
    hit, miss = [0, 10, 0.1], [15, 20, 0.9]
    answers = {"a": [miss] * 4 + [hit], "b": [miss] * 5 + [hit], "c": [hit]}
    found = score(answers, [query(name) for name in answers])
    assert found.r5 == {m: pytest.approx(200 / 3) for m in ("0.3", "0.5", "0.7")}
    assert found.r1["0.5"] == pytest.approx(100 / 3)


def test_a_threshold_reached_counts_in_float32_too() -> None:
    duration, clips = 30.7, 64
    queries = [query("a", 0, duration * 12 / clips, duration=duration)]
    half = np.array([[duration * 3 / clips, duration * 9 / clips, 1]], np.float32)
    assert score({"a": half}, queries).r1["0.5"] == 100


def test_index_protocol_rounds_the_truth_to_the_grid() -> None:
    queries = [query("a", 2.4, 5.4, duration=10.0)]
    answers = {"a": moment(2, 5)}
    assert score(answers, queries).miou == pytest.approx(100 * 2.6 / 3.4)
    assert score(answers, queries, "index", {"v": 10}).miou == pytest.approx(100)
    assert score(answers, queries, "index", {"v": 1}).miou == pytest.approx(30)


def test_of_several_windows_the_one_overlapped_most_counts() -> None:
    several = WindowsQuery("a", "v", "x", 20.0, 10.0, 20.0, all_windows=((0.0, 4.0), (10.0, 20.0)))
    queries = [several, query("b")]
    found = score({"a": moment(0, 3), "b": moment(10, 20)}, queries)
    assert found.miou == pytest.approx(75 / 2)
    # Clips of 2.5 s: the first window becomes [0, 5].
    on_grid = score({"a": moment(0, 5), "b": moment(0, 10)}, queries, "index", {"v": 8})
    assert on_grid.miou == pytest.approx(100)


def test_json_has_what_other_programs_read() -> None:
    queries = [query("a"), query("b", video="w")]
    floors = {"fixed_best": {"r1": {"0.5": 30.0}, "miou": 29.0}}
    found = score({"a": moment(0, 10), "b": moment(0, 5)}, queries, floors=floors)
    content = json.loads(json.dumps(found.to_json(dataset="charades-sta", split="test")))
    assert {"dataset", "split", "queries", "protocol", "r1", "miou", "ci95", "floors"} <= set(content)
    assert list(content)[:4] == ["dataset", "split", "queries", "protocol"]
    assert content["floors"] == floors
    assert content["ci95"]["r1"]["0.7"] == [0, 100]
    assert content["ci95"]["miou"] == [50, 100]
    assert "dataset" not in found.to_json()


def test_one_video_has_no_interval() -> None:
    assert score({"a": moment(0, 10)}, [query("a")]).to_json()["ci95"] is None


def test_missing_predictions_are_counted_and_named() -> None:
    queries = [query(name) for name in "abcdef"]
    with pytest.raises(UserError, match=r"5 of 6 query ids lack a prediction: b, c, d, \.\.\."):
        score({"a": moment(0, 1)}, queries)


def test_index_protocol_needs_clip_counts() -> None:
    with pytest.raises(UserError, match="1 of 1 video ids lack a clip count"):
        score({"a": moment(0, 1)}, [query("a")], "index")


@pytest.mark.parametrize("bad", [[[0, 1]], [], [[0, float("nan"), 1]], [[[0, 1, 2]]], [["x", 1, 2]], [[1], [2, 3]]])
def test_bad_predictions_are_named(bad: Any) -> None:
    with pytest.raises(UserError, match="'a'"):
        score({"a": bad}, [query("a")])


def test_nothing_to_score() -> None:
    with pytest.raises(UserError):
        score({}, [])


@given(st.lists(st.tuples(*[st.floats(0, 20)] * 4), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_order_of_queries_does_not_matter(rows: list[tuple[float, ...]], rng: random.Random) -> None:
    queries = [query(f"q{i}", min(row[:2]), max(row[:2]), f"v{i % 3}") for i, row in enumerate(rows)]
    answers = {f"q{i}": moment(*sorted(row[2:])) for i, row in enumerate(rows)}
    shuffled = rng.sample(queries, len(queries))
    assert score(answers, shuffled) == score(answers, queries)


def test_the_truth_scores_100() -> None:
    rng = random.Random(0)
    queries = [query(str(i), *sorted(rng.uniform(0, 20) for _ in range(2))) for i in range(50)]
    found = score({q.query_id: moment(q.start_s, q.end_s) for q in queries}, queries)
    assert found.miou == 100 and set(found.r1.values()) == {100}
    assert dataclasses.is_dataclass(found)


@needs_shared
def test_vslnet_reference() -> None:
    ref = np.load(SHARED / "fixtures/labels_vslnet_A.npz")
    queries = [
        query(str(i), start, end, duration=duration)
        for i, (start, end, duration) in enumerate(
            zip(ref["start_time"], ref["end_time"], ref["duration"], strict=True)
        )
    ]
    found = score({str(i): moment(*times) for i, times in enumerate(ref["pred_times"])}, queries)
    np.testing.assert_allclose(list(found.r1.values()), ref["acc"])
    assert found.miou == pytest.approx(float(ref["miou"]), abs=1e-4)
