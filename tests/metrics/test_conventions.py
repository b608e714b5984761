"""Each convention in closed form, what they have to do with each other, and the published evaluators."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.annotations import read_annotations
from emtm.data.choices import Empty, Ends, Evaluator, Ties
from emtm.data.records import Query
from emtm.errors import UserError
from emtm.metrics.ceiling import ceiling
from emtm.metrics.conventions import PUBLISHED, SOUND, Conventions, choose, compared_by
from emtm.metrics.floors import sightless_floors
from emtm.metrics.iou import temporal_iou
from emtm.metrics.means import Means
from emtm.metrics.scoring import Scores, score

THRESHOLDS = ("0.3", "0.5", "0.7")


def query(name: str, start: float, end: float, duration: float = 20.0) -> Query:
    return Query(name, f"video of {name}", "she sits", duration, start, end)


def scored(answers: Mapping[str, tuple[float, float]], queries: list[Query], conventions: Conventions) -> Scores:
    return score({name: [[*span, 1.0]] for name, span in answers.items()}, queries, conventions=conventions)


def test_ties() -> None:
    queries, answers = [query("a", 0, 10), query("b", 0, 10)], {"a": (0.0, 5.0), "b": (0.0, 7.5)}
    assert scored(answers, queries, SOUND).r1 == {"0.3": 100, "0.5": 100, "0.7": 50}
    assert scored(answers, queries, Conventions(ties="strict")).r1 == {"0.3": 100, "0.5": 50, "0.7": 50}


@pytest.mark.parametrize(
    ("off", "inclusive", "strict"), [(-1e-9, 100, 0), (0, 100, 0), (1e-9, 100, 0), (1e-5, 100, 100)]
)
def test_rounding_does_not_decide_about_ties(off: float, inclusive: float, strict: float) -> None:
    iou = np.array([0.5 + off])
    assert Means.of(iou).r1["0.5"] == inclusive
    assert Means.of(iou, Conventions(ties="strict")).r1["0.5"] == strict


@pytest.mark.parametrize(("off", "inclusive", "strict"), [(-1e-9, 0, 0), (0, 100, 0), (1e-9, 100, 100)])
def test_without_slack_it_does(off: float, inclusive: float, strict: float) -> None:
    iou = np.array([0.5 + off])
    assert Means.of(iou, Conventions(slack=0)).r1["0.5"] == inclusive
    assert Means.of(iou, Conventions(slack=0, ties="strict")).r1["0.5"] == strict


def test_seconds_added_to_the_union() -> None:
    assert temporal_iou([0, 5], [0, 10], 2.5) == pytest.approx(5 / 12.5)
    assert temporal_iou([0, 5], [0, 10], 1e-8) < 0.5
    found = scored({"a": (0.0, 5.0)}, [query("a", 0, 10)], Conventions(slack=0, union_s=1e-8))
    assert (found.r1["0.3"], found.r1["0.5"]) == (100, 0)
    assert found.miou == pytest.approx(50)
    assert found.to_json()["comparison"] == "IoU >= m, 1e-08 s added to the union"


def test_a_missing_prediction_is_a_miss_or_an_error() -> None:
    queries, answers = [query(name, 0, 10) for name in "abcd"], {"a": (0.0, 10.0)}
    with pytest.raises(UserError, match="3 of 4 query ids lack a prediction"):
        scored(answers, queries, SOUND)
    found = scored(answers, queries, Conventions(missing="miss"))
    assert (found.queries, found.r1["0.7"], found.miou) == (4, 25, 25)
    assert set(found.by_kind["plain"].r1.values()) == {25}


QUIRKS = [["v", 10.0, [2.0, 12.0], "beyond"], ["v", 10.0, [7.0, 7.0], "empty"], ["v", 10.0, [10.5, 12.0], "after"]]


@pytest.mark.parametrize(
    ("ends", "empty", "windows"),
    [
        ("clip", "drop", [(2, 10)]),
        ("keep", "drop", [(2, 12), (10.5, 12)]),
        ("clip", "keep", [(2, 10), (7, 7), (10.5, 10)]),
        ("keep", "keep", [(2, 12), (7, 7), (10.5, 12)]),
    ],
)
def test_ends_and_empty_moments(tmp_path: Path, ends: Ends, empty: Empty, windows: list[tuple[float, float]]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(QUIRKS))
    conventions = Conventions(ends=ends, empty=empty)
    queries = read_annotations(tmp_path / "a.json", policy=conventions.policy).queries
    assert [(q.start_s, q.end_s) for q in queries] == windows
    found = score({q.query_id: [[2, 10, 1]] for q in queries}, queries, conventions=conventions)
    first = 8 / 10 if ends == "keep" else 1
    assert found.miou == pytest.approx(100 * first / len(windows))


def test_floors_and_ceilings_follow_the_conventions() -> None:
    # Of 40 training moments all are the first half of the video; that of the test is its first quarter.
    train, test = [query(f"t{i}", 0, 10) for i in range(40)], [query("a", 0, 5)]
    strict, inclusive = (sightless_floors(train, test, conventions=choose(ties=t).conventions) for t in get_args(Ties))
    assert (inclusive["drawn_from_train"]["r1"]["0.5"], strict["drawn_from_train"]["r1"]["0.5"]) == (100, 0)
    # On one clip the oracle answers all 20 seconds.
    half = [query("a", 0, 10)]
    assert ceiling(half, 1).means.r1["0.5"] == 100
    assert ceiling(half, 1, conventions=Conventions(ties="strict")).means.r1["0.5"] == 0


SPANS = st.tuples(st.integers(0, 40), st.integers(1, 40)).map(lambda span: (span[0] / 2, sum(span) / 2))
CONVENTIONS = st.builds(
    Conventions,
    ties=st.sampled_from(get_args(Ties)),
    slack=st.sampled_from((0.0, 1e-6)),
    union_s=st.sampled_from((0.0, 1e-8)),
)


@given(st.lists(st.tuples(SPANS, SPANS), min_size=1, max_size=12), CONVENTIONS)
def test_stricter_is_never_better(pairs: list[Any], conventions: Conventions) -> None:
    queries = [query(str(i), *truth, 40.0) for i, (truth, _) in enumerate(pairs)]
    answers = {str(i): answer for i, (_, answer) in enumerate(pairs)}
    loose = scored(answers, queries, dataclasses.replace(conventions, ties="inclusive", union_s=0.0))
    found = scored(answers, queries, conventions)
    assert all(found.r1[m] <= loose.r1[m] for m in THRESHOLDS)
    assert found.miou <= loose.miou <= found.miou + 1e-5


@given(st.lists(st.tuples(SPANS, SPANS), min_size=2, max_size=12), st.data())
def test_an_answer_more_is_never_worse_than_a_miss(pairs: list[Any], data: st.DataObject) -> None:
    queries = [query(str(i), *truth, 40.0) for i, (truth, _) in enumerate(pairs)]
    answers = {str(i): answer for i, (_, answer) in enumerate(pairs)}
    kept = data.draw(st.sets(st.sampled_from(sorted(answers)), min_size=1))
    missing = scored({name: answers[name] for name in kept}, queries, Conventions(missing="miss"))
    whole = scored(answers, queries, SOUND)
    assert missing.queries == whole.queries
    assert all(missing.r1[m] <= whole.r1[m] for m in THRESHOLDS)
    alone = scored({name: answers[name] for name in kept}, [q for q in queries if q.query_id in kept], SOUND)
    assert missing.miou == pytest.approx(alone.miou * len(kept) / len(queries))


@given(SPANS, SPANS)
def test_ties_decide_at_the_threshold_alone(truth: tuple[float, float], answer: tuple[float, float]) -> None:
    """Half seconds make exact ties common; everywhere else the two agree."""
    overlap = max(0.0, min(truth[1], answer[1]) - max(truth[0], answer[0]))
    hull = max(truth[1], answer[1]) - min(truth[0], answer[0])
    both = [scored({"a": answer}, [query("a", *truth, 40.0)], choose(ties=t).conventions).r1 for t in get_args(Ties)]
    for threshold in THRESHOLDS:
        tie = round(20 * overlap) == round(20 * hull * float(threshold)) and math.isclose(
            overlap / hull, float(threshold)
        )
        assert (both[0][threshold] != both[1][threshold]) == tie


def test_the_default_is_sound_and_stated() -> None:
    assert choose().conventions == SOUND == Conventions()
    assert SOUND.to_json() == {
        "ends": "clip",
        "empty": "drop",
        "ties": "inclusive",
        "missing": "refuse",
        "order": "score",
        "slack": 1e-6,
        "union_s": 0.0,
    }
    assert SOUND.to_json().keys() == {field.name for field in dataclasses.fields(Conventions)}


def test_what_is_given_overrules_an_evaluator() -> None:
    assert choose("seqpan").protocol == "index"
    assert choose("seqpan", "timestamp").protocol == "timestamp"
    assert choose("2d-tan").conventions.comparison == "IoU > m"
    chosen = choose("2d-tan", ends="keep", empty="keep", ties="inclusive", missing="miss").conventions
    assert chosen == dataclasses.replace(
        PUBLISHED["2d-tan"].conventions, ends="keep", empty="keep", ties="inclusive", missing="miss"
    )


def test_every_evaluator_is_named_once_and_in_the_documentation() -> None:
    assert tuple(PUBLISHED) == get_args(Evaluator)
    page = (Path(__file__).parents[2] / "docs/scoring.md").read_text("utf-8")
    rows = {row.split("|")[1].strip(): row for row in page.splitlines() if row.startswith("| `")}
    for name, published in PUBLISHED.items():
        conventions = published.conventions
        cells = [cell.strip() for cell in rows[f"`{name}`"].split("|")[2:7]]
        assert cells == [conventions.ends, conventions.empty, conventions.ties, conventions.missing, published.protocol]


@pytest.mark.parametrize("conventions", [SOUND, Conventions(ties="strict")])
def test_the_comparison_that_a_file_states_is_read_back(conventions: Conventions) -> None:
    assert compared_by(conventions.comparison) == conventions
    assert compared_by(None) == SOUND
