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
from emtm.metrics.conventions import Conventions
from emtm.metrics.iou import Array
from emtm.metrics.predictions import read_predictions
from emtm.metrics.scoring import score

Write = Callable[..., Path]
QUERIES = (
    Query("v/0", "v", "A person opens the door.", 20.0, 0.0, 10.0),
    Query("v/1", "v", "she sits", 20.0, 5.0, 10.0),
    Query("w/0", "w", "she sits", 20.0, 5.0, 10.0),
)
MISS = Conventions(missing="miss")

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
    asked = [*QUERIES, Query("v/2", "v", "he waits", 20.0, 7.0, 7.0)]
    waits = {"video_id": "v", "query": "he waits", "moments": [[0, 5, 0.9]]}
    found = read_predictions(write(OPENS, SITS, OTHER, waits), QUERIES, asked)
    assert found.keys() == {"v/0", "v/1", "w/0"}
    assert read_predictions(write(OPENS, SITS, OTHER), QUERIES, asked).keys() == found.keys()
    with pytest.raises(UserError, match="no query 'he waits'"):
        read_predictions(write(OPENS, SITS, OTHER, waits), QUERIES)


def test_a_file_written_on_windows(write: Write) -> None:
    path = write(OPENS, SITS, OTHER)
    expected = read_predictions(path, QUERIES)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert {name: rows.tolist() for name, rows in read_predictions(path, QUERIES).items()} == {
        name: rows.tolist() for name, rows in expected.items()
    }


THRICE = tuple(Query(f"w/{i}", "w", "she sits", 20.0, i, i + 5.0) for i in range(3))


def sits(start: int) -> dict[str, Any]:
    return {"video_id": "w", "query": "She  sits", "moments": [[start, 9, 1]]}


def starts(found: dict[str, Array]) -> dict[str, float]:
    return {name: float(rows[0, 0]) for name, rows in found.items()}


def test_one_line_serves_a_sentence_asked_several_times(write: Write) -> None:
    assert starts(read_predictions(write(sits(4)), THRICE)) == {"w/0": 4, "w/1": 4, "w/2": 4}


def test_several_lines_serve_it_in_the_order_of_the_annotations(write: Write) -> None:
    found = read_predictions(write(sits(7), OPENS, sits(8), SITS, sits(3)), (*QUERIES[:2], *THRICE))
    assert [starts(found)[f"w/{i}"] for i in range(3)] == [7, 8, 3]
    backwards = read_predictions(write(sits(7), sits(8), sits(3)), THRICE[::-1])
    assert starts(backwards) == {"w/2": 7, "w/1": 8, "w/0": 3}
    assert starts(read_predictions(write(sits(7), sits(7), sits(7)), THRICE)) == {"w/0": 7, "w/1": 7, "w/2": 7}


def test_the_order_is_that_of_the_file_with_what_a_policy_dropped(write: Write) -> None:
    scored = (THRICE[0], THRICE[2])
    assert starts(read_predictions(write(sits(1), sits(2), sits(3)), scored, THRICE)) == {"w/0": 1, "w/2": 3}
    # Who dropped it too answers the others in turn.
    assert starts(read_predictions(write(sits(1), sits(2)), scored, THRICE)) == {"w/0": 1, "w/2": 2}


def test_a_sentence_answered_too_seldom_or_too_often(write: Write) -> None:
    with pytest.raises(UserError, match="1 of 3 queries have no prediction"):
        read_predictions(write(sits(1), sits(2)), THRICE)
    found = read_predictions(write(sits(1), sits(2)), THRICE, conventions=MISS)
    assert starts(found) == {"w/0": 1, "w/1": 2}
    with pytest.raises(UserError, match=r"line 4: 'She  sits' is asked 3 times, and line 3 was the answer number 3"):
        read_predictions(write(*[sits(1)] * 4), THRICE)
    with pytest.raises(UserError, match=r"query 'w/1' was answered in line 1 already"):
        read_predictions(write({"query_id": "w/1", "moments": [[0, 9, 1]]}, sits(1)), THRICE)


def test_repeated_sentences_may_be_told_apart_by_id(write: Write) -> None:
    apart = [{"query_id": f"w/{i}", "moments": [[i, 9, 1]]} for i in (2, 0, 1)]
    assert starts(read_predictions(write(*apart), THRICE)) == {"w/0": 0, "w/1": 1, "w/2": 2}


def test_a_query_may_be_missed(write: Write) -> None:
    nothing = {"query_id": "w/0", "moments": []}
    for lines in ((OPENS,), (OPENS, nothing)):
        assert read_predictions(write(*lines), QUERIES, conventions=MISS).keys() == {"v/0"}
    with pytest.raises(UserError, match="3 of 3 queries have no prediction"):
        read_predictions(write(nothing), QUERIES, conventions=MISS)


def test_moments_may_stand_in_the_order_of_the_file(write: Write) -> None:
    found = read_predictions(write(OPENS, SITS, OTHER), QUERIES, conventions=Conventions(order="file"))
    assert found["w/0"].tolist() == [[0, 1, 0.2], [5, 10, 0.8]]


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
