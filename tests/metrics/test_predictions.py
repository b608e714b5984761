import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emtm.data.records import Query
from emtm.errors import UserError
from emtm.metrics.predictions import read_predictions
from emtm.metrics.scoring import score

Write = Callable[..., Path]
QUERIES = (
    Query("v/0", "v", "A person opens the door.", 20.0, 0.0, 10.0),
    Query("v/1", "v", "she sits", 20.0, 5.0, 10.0),
    Query("w/0", "w", "she sits", 20.0, 5.0, 10.0),
)
TWICE = (*QUERIES, Query("w/1", "w", "She  sits", 20.0, 15.0, 20.0))

OPENS = {"video_id": "v", "query": "a person opens  the door.", "moments": [[0, 5, 0.9]]}
SITS = {"query_id": "v/1", "moments": [[5, 10, 1]]}
OTHER = {"vid": "w", "qid": 7, "query": "she sits", "pred_relevant_windows": [[0, 1, 0.2], [5.0, 10.0, 0.8]]}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(*lines: Any) -> Path:
        path = tmp_path / "predictions.jsonl"
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        return path

    return write


def test_the_forms_of_a_line(write: Write) -> None:
    found = read_predictions(write(OPENS, "", SITS, OTHER), QUERIES)
    assert found["v/0"].tolist() == [[0, 5, 0.9]]
    assert found["v/1"].tolist() == [[5, 10, 1]]
    assert found["w/0"].tolist() == [[5, 10, 0.8], [0, 1, 0.2]]  # ranked by score


def test_a_number_that_is_a_query_of_the_file_counts_as_its_id(write: Write) -> None:
    queries = [Query("7", "w", "x", 20.0, 0.0, 1.0)]
    line = {"qid": 7, "vid": "w", "query": "x", "pred_relevant_windows": [[0, 1, 1]]}
    assert list(read_predictions(write(line), queries)) == ["7"]
    with pytest.raises(UserError, match=r"line 1: query '7' is about video 'w'"):
        read_predictions(write({**line, "vid": "v"}), queries)


@pytest.mark.parametrize("annotated", ["s1", "s1.avi", "v_s1"])
@pytest.mark.parametrize("predicted", ["s1", "s1.avi", "s1.mp4", "v_s1", "v_s1.mp4"])
def test_videos_by_any_spelling_of_their_id(write: Write, annotated: str, predicted: str) -> None:
    queries = [Query("s1/0", annotated, "x", 20.0, 0.0, 1.0)]
    assert read_predictions(write({"video_id": predicted, "query": "x", "moments": [[0, 1, 1]]}), queries)


def test_lines_about_dropped_queries_are_passed_over(write: Write) -> None:
    dropped = [Query("v/2", "v", "he waits", 20.0, 7.0, 7.0)]
    waits = {"video_id": "v", "query": "he waits", "moments": [[0, 5, 0.9]]}
    found = read_predictions(write(OPENS, SITS, OTHER, waits), QUERIES, dropped)
    assert found.keys() == {"v/0", "v/1", "w/0"}
    assert read_predictions(write(OPENS, SITS, OTHER), QUERIES, dropped).keys() == found.keys()
    with pytest.raises(UserError, match="no query 'he waits'"):
        read_predictions(write(OPENS, SITS, OTHER, waits), QUERIES)


def test_a_file_written_on_windows(write: Write) -> None:
    path = write(OPENS, SITS, OTHER)
    expected = read_predictions(path, QUERIES)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert {name: rows.tolist() for name, rows in read_predictions(path, QUERIES).items()} == {
        name: rows.tolist() for name, rows in expected.items()
    }


def test_a_sentence_asked_twice(write: Write) -> None:
    once = read_predictions(write(OPENS, SITS, OTHER), TWICE)
    assert once["w/0"].tolist() == once["w/1"].tolist()
    assert read_predictions(write(OPENS, SITS, OTHER, OTHER), TWICE).keys() == once.keys()
    different = {**OTHER, "pred_relevant_windows": [[0, 1, 1]]}
    with pytest.raises(UserError, match=r"line 4: query 'w/0' was answered in line 3 already; .* by query_id"):
        read_predictions(write(OPENS, SITS, OTHER, different), TWICE)
    apart = [{"query_id": f"w/{i}", "moments": [[i, 9, 1]]} for i in range(2)]
    assert read_predictions(write(OPENS, SITS, *apart), TWICE)["w/1"].tolist() == [[1, 9, 1]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        (json.dumps(SITS)[:-9], "not JSON"),
        (json.dumps(SITS).replace("10", "1" * 5000), "not JSON"),
        ({**SITS, "moments": [[0, 10**400, 1]]}, "not a list of finite"),
        ({**SITS, "moments": None}, "neither 'moments' nor 'pred_relevant_windows'"),
        ({"moments": [[0, 1, 1]]}, "names its query neither by 'query_id' nor by 'video_id' and 'query'"),
        ({"video_id": "v", "moments": [[0, 1, 1]]}, "names its query neither"),
        ({**SITS, "moments": []}, "not a list of finite"),
        ({**SITS, "moments": [[0, 1]]}, "not a list of finite"),
        ({**SITS, "moments": [[0, 1, "x"]]}, "not a list of finite"),
        (json.dumps({**SITS, "moments": [[0, float("nan"), 1]]}), "not a list of finite"),
        ({**SITS, "moments": [[0, 1, 1], [7, 3, 1]]}, "moment 2 ends before it starts"),
        ({**SITS, "query_id": "v/9"}, "there is no query 'v/9'"),
        ({**OPENS, "query": "another"}, "video 'v' has no query 'another'"),
        ({**OPENS, "video_id": "x"}, "video 'x' has no query"),
        (OPENS, "query 'v/0' was answered in line 1 already$"),
    ],
)
def test_bad_lines_are_named(write: Write, line: Any, message: str) -> None:
    with pytest.raises(UserError, match=rf"predictions\.jsonl, line 2: .*{message}"):
        read_predictions(write(OPENS, line), QUERIES)


def test_missing_predictions_are_counted_and_named(write: Write) -> None:
    with pytest.raises(UserError, match=r"predictions\.jsonl: 2 of 3 queries have no prediction: 'she sits' in v, "):
        read_predictions(write(OPENS), QUERIES)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_predictions(tmp_path / "absent.jsonl", QUERIES)
    (tmp_path / "latin.jsonl").write_bytes(b'{"query_id": "\xe9"}')
    with pytest.raises(UserError, match="line 1: not JSON"):
        read_predictions(tmp_path / "latin.jsonl", QUERIES)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.tuples(*[st.floats(0, 20)] * 4), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_neither_order_matters(write: Write, rows: list[tuple[float, ...]], rng: random.Random) -> None:
    queries = [Query(f"v/{i}", "v", f"sentence {i}", 20.0, *sorted(row[:2])) for i, row in enumerate(rows)]
    lines = [
        {"video_id": "v", "query": f"sentence {i}", "moments": [[*sorted(row[2:]), 1.0]]} for i, row in enumerate(rows)
    ]
    expected = score(read_predictions(write(*lines), queries), queries)
    rng.shuffle(lines)
    rng.shuffle(queries)
    assert score(read_predictions(write(*lines), queries), queries) == expected
