"""Every published format, every policy, and the counts of the real files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from emtm.data.annotations import Policy, read_annotations
from emtm.data.annotations.charades_text import duration_files, read_durations
from emtm.data.records import Query, WindowsQuery
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared

DURATIONS = {"AAAAA": 30.0, "BBBBB": 10.5}
REAL = SHARED / "data" / "annotations"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: object, name: str = "annotations.txt") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


def lines(*entries: object) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_official_text(write: Write) -> None:
    path = write("AAAAA 1.0 29.5##a person opens a door.\nBBBBB 2 4##person sits.\nAAAAA 3 4##x\n")
    read = read_annotations(path, DURATIONS)
    assert read.queries == (
        Query("AAAAA/0", "AAAAA", "a person opens a door.", 30.0, 1.0, 29.5),
        Query("BBBBB/0", "BBBBB", "person sits.", 10.5, 2.0, 4.0),
        Query("AAAAA/1", "AAAAA", "x", 30.0, 3.0, 4.0),
    )
    assert read.report.format == "official text"


def test_json_in_seconds(write: Write) -> None:
    entry = {"duration": 82.73, "timestamps": [[0.83, 19.86], [1, 2]], "sentences": [" A piñata.", "two"]}
    read = read_annotations(write({"v_x": entry}))
    assert read.queries == (
        Query("v_x/0", "v_x", "A piñata.", 82.73, 0.83, 19.86),
        Query("v_x/1", "v_x", "two", 82.73, 1.0, 2.0),
    )


def test_tacos_frames_become_seconds_at_the_rate_of_the_video(write: Write) -> None:
    entry = {"timestamps": [[294, 588]], "sentences": ["cuts a carrot"], "fps": 29.4, "num_frames": 2940}
    read = read_annotations(write({"s17-d69.avi": entry}))
    (query,) = read.queries
    assert (query.query_id, query.video_id) == ("s17-d69/0", "s17-d69")
    assert (query.start_s, query.end_s, query.duration_s) == pytest.approx((10, 20, 100))
    assert read.report.format == "JSON, frames at 29.4 a second"


def test_changing_distribution_json_is_in_seconds(write: Write) -> None:
    entry = {
        "timestamps": [[1.5, 4.0]],
        "framestamps": [[24, 64]],
        "decode_fps": 16,
        "video_duration": 31.12,
        "sentences": ["person sits"],
        "encoded_sentences": [[1, 2]],
    }
    (query,) = read_annotations(write({"AAAAA": entry})).queries
    assert (query.start_s, query.end_s, query.duration_s) == (1.5, 4.0, 31.12)


@pytest.mark.parametrize("extra", [[], [17]])
def test_flattened_list(write: Write, extra: list[int]) -> None:
    read = read_annotations(write([["AAAAA", 30.0, [1, 2], "a", *extra], ["AAAAA", 30.0, [2, 3], "b", *extra]]))
    assert [query.query_id for query in read.queries] == ["AAAAA/0", "AAAAA/1"]
    assert read.report.format == "flattened list"


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
@pytest.mark.parametrize("count", [1, 2])
def test_json_lines(write: Write, name: str, count: int) -> None:
    entries = [
        {"qid": 7 + i, "query": " a cat", "duration": 150, "vid": "v_60.0_210.0", "relevant_windows": [[0, 16]]}
        for i in range(count)
    ]
    read = read_annotations(write(lines(*entries), name))
    assert read.queries[0] == Query("7", "v_60.0_210.0", "a cat", 150.0, 0.0, 16.0)
    assert (len(read.queries), read.report.format) == (count, "JSON lines")


def test_several_windows_keep_all_and_lead_with_the_longest(write: Write) -> None:
    entry = {"qid": 1, "query": "a", "duration": 150, "vid": "v", "relevant_windows": [[0, 4], [10, 30], [140, 152]]}
    read = read_annotations(write(lines(entry), "a.jsonl"))
    (query,) = read.queries
    assert isinstance(query, WindowsQuery)
    assert (query.start_s, query.end_s) == (10, 30)
    assert query.windows == ((0, 4), (10, 30), (140, 150))
    assert (read.report.several_windows, read.report.ends_beyond) == (1, 1)


def test_the_same_moments_in_every_format(write: Write) -> None:
    moments = [("v", [1.0, 2.5], "a door"), ("v", [4.0, 9.0], "a cat"), ("w", [0.0, 3.0], "a dog")]
    by_video = {
        video: {
            "duration": 9.5,
            "timestamps": [m for v, m, _ in moments if v == video],
            "sentences": [s for v, _, s in moments if v == video],
        }
        for video in "vw"
    }
    formats = {
        "a.txt": "".join(f"{v} {s} {e}##{sentence}\n" for v, (s, e), sentence in moments),
        "b.json": by_video,
        "c.json": [[v, 9.5, m, sentence] for v, m, sentence in moments],
    }
    read = {
        name: read_annotations(write(content, name), dict.fromkeys("vw", 9.5)).queries
        for name, content in formats.items()
    }
    assert read["a.txt"] == read["b.json"] == read["c.json"]


QUIRKS = "AAAAA 1.0 31.2##a door.\nBBBBB 8.0 7.0##inverted\nAAAAA 2 4## blanks. \nBBBBB 10.5 12.0##late\n"


def test_policies_are_applied_and_counted(write: Write) -> None:
    read = read_annotations(write(QUIRKS), DURATIONS)
    assert [(q.query_id, q.sentence, q.end_s) for q in read.queries] == [
        ("AAAAA/0", "a door.", 30.0),
        ("AAAAA/1", "blanks.", 4.0),
    ]
    report = read.report
    assert (report.annotated, report.queries, report.videos, report.annotated_videos) == (4, 2, 1, 2)
    assert (report.ends_beyond, report.ends_beyond_1s, report.worst_excess_s) == (2, 2, 1.5)
    assert (report.empty, report.stripped) == (2, 1)
    assert report.note() == (
        "annotations.txt (official text): 2 queries of 1 videos (4 annotated); 2 ends clipped to the duration; "
        "2 empty or inverted moments dropped; 1 sentences stripped of blanks"
    )


def test_policies_that_keep(write: Write) -> None:
    read = read_annotations(write(QUIRKS), DURATIONS, Policy(ends="keep", empty="keep"))
    assert [(q.start_s, q.end_s) for q in read.queries] == [(1, 31.2), (8, 7), (2, 4), (10.5, 12)]
    assert "2 ends kept beyond the duration; 1 empty or inverted moments kept" in read.report.note()
    with pytest.raises(UserError, match="'clip' or 'keep'"):
        Policy(ends="cut")  # type: ignore[arg-type]


def test_what_a_policy_drops_is_kept_as_annotated(write: Write) -> None:
    assert [(q.query_id, q.start_s, q.end_s) for q in read_annotations(write(QUIRKS), DURATIONS).asked] == [
        ("AAAAA/0", 1, 30),
        ("BBBBB/0", 8, 7),
        ("AAAAA/1", 2, 4),
        ("BBBBB/1", 10.5, 12),
    ]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_written_on_windows_read_the_same(tmp_path: Path, start: str, newline: str) -> None:
    (tmp_path / "charades.json").write_text(json.dumps({"AAAAA": {"duration": 30}}))
    formats = {
        "a.txt": "AAAAA 1 2##x\nAAAAA 3 4##y\n",
        "a.json": json.dumps({"AAAAA": {"duration": 30, "timestamps": [[1, 2], [3, 4]], "sentences": ["x", "y"]}}),
    }
    for name, content in formats.items():
        path = tmp_path / name
        path.write_bytes((start + content.replace("\n", newline)).encode())
        assert [(q.sentence, q.end_s) for q in read_annotations(path).queries] == [("x", 2), ("y", 4)]


@pytest.mark.parametrize("suffix", ["", ".avi", ".mp4", ".mkv"])
def test_ids_lose_the_suffix_of_a_file(tmp_path: Path, write: Write, suffix: str) -> None:
    (tmp_path / "charades.json").write_text(json.dumps({"AAAAA": {"duration": 30}}))
    text = read_annotations(write(f"AAAAA{suffix} 1 2##x\n"))
    flat = read_annotations(write([[f"AAAAA{suffix}", 30, [1, 2], "x"]], "a.json"))
    assert text.queries == flat.queries
    assert text.queries[0].video_id == "AAAAA"


def test_a_video_that_comes_twice_in_an_object_is_refused(write: Write) -> None:
    entry = '{"duration": 9, "timestamps": [[0, 1]], "sentences": ["x"]}'
    with pytest.raises(UserError, match="'v_x' comes twice"):
        read_annotations(write(f'{{"v_x": {entry}, "v_x": {entry}}}'))


def test_dropping_a_line_does_not_rename_the_others(write: Write) -> None:
    read = read_annotations(write("AAAAA 5 4##x\nAAAAA 4 5##y\n"), DURATIONS)
    assert [query.query_id for query in read.queries] == ["AAAAA/1"]


def test_duplicates_are_kept_and_counted(write: Write) -> None:
    read = read_annotations(write("AAAAA 1 2##x\nAAAAA 1 2##x\nAAAAA 1 3##x\nBBBBB 1 2##x\n"), DURATIONS)
    assert len(read.queries) == len({q.query_id for q in read.queries}) == 4
    assert (read.report.duplicates, read.report.repeated_sentences) == (1, 2)


def test_sentences_without_windows_are_left_out(write: Write) -> None:
    entry = {"qid": 1, "query": "a", "duration": 150, "vid": "v"}
    read = read_annotations(write(lines(entry), "a.jsonl"))
    assert (len(read.queries), read.report.unannotated) == (0, 1)


@pytest.mark.parametrize(
    "line",
    [
        "AAAAA 1.0 2.0 no separator",
        "AAAAA 1.0##one time",
        "AAAAA one 2.0##a word",
        "AAAAA nan 2.0##not a number",
        "AAAAA -1.0 2.0##negative",
        "CCCCC 1.0 2.0##unknown video",
        "AAAAA true 2.0##no time",
        f"AAAAA 1.0 {'9' * 400}##too late",
    ],
)
def test_malformed_lines_are_named(write: Write, line: str) -> None:
    with pytest.raises(UserError, match=r"annotations\.txt, line 2: "):
        read_annotations(write(f"AAAAA 1.0 2.0##fine.\n{line}\n"), DURATIONS)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        '{"qid": 2, "query": "a", "vid": "v"}',
        '{"qid": 2, "query": "a", "vid": "v", "duration": 9, "relevant_windows": []}',
        '{"qid": 2, "query": "a", "vid": "v", "duration": 9, "relevant_windows": [[1]]}',
        '{"qid": 2, "query": "a", "vid": "v", "duration": "long", "relevant_windows": [[1, 2]]}',
        '{"qid": 1, "query": "a", "vid": "v", "duration": 9, "relevant_windows": [[1, 2]]}',
        '{"qid": 2, "query": "a", "vid": "v", "duration": 9, "relevant_windows": [[NaN, 2]]}',
        '{"qid": 2, "query": "a", "vid": "v", "duration": 9, "relevant_windows": [[1, %s]]}' % ("9" * 400),
        '{"qid": 2, "query": "a", "vid": "v", "duration": 9, "relevant_windows": [[1, %s]]}' % ("9" * 5000),
        '{"qid": 2, "qid": 3, "query": "a", "vid": "v", "duration": 9, "relevant_windows": [[1, 2]]}',
        '{"qid": 2, "query": "a", "vid": "v", "durati',
        "[" * 100_000,
    ],
)
def test_malformed_json_lines_are_named(write: Write, line: str) -> None:
    sound = {"qid": 1, "query": "a", "vid": "v", "duration": 9, "relevant_windows": [[1, 2]]}
    with pytest.raises(UserError, match=r"a\.jsonl, line 2"):
        read_annotations(write(lines(sound) + line + "\n", "a.jsonl"))


@pytest.mark.parametrize(
    "entry",
    [
        {"timestamps": [], "sentences": []},
        {"duration": 0, "timestamps": [[0, 1]], "sentences": ["x"]},
        {"duration": 9, "timestamps": [[0, 1]], "sentences": []},
        {"duration": 9, "timestamps": [[0]], "sentences": ["x"]},
        {"duration": 9, "timestamps": [["a", 1]], "sentences": ["x"]},
        {"duration": 9, "timestamps": [[0, 1]], "sentences": [3]},
        {"fps": 0, "num_frames": 9, "timestamps": [[0, 1]], "sentences": ["x"]},
        7,
    ],
)
def test_malformed_videos_are_named(write: Write, entry: object) -> None:
    with pytest.raises(UserError, match="video 'v_x'"):
        read_annotations(write({"v_x": entry}))


@pytest.mark.parametrize("entry", [7, [], ["v", 9, [1, 2]], ["v", 9, 1, "x"], [3, 9, [1, 2], "x"]])
def test_malformed_entries_are_numbered(write: Write, entry: object) -> None:
    with pytest.raises(UserError, match="entry 1"):
        read_annotations(write([["v", 9, [1, 2], "x"], entry]))


def test_files_that_cannot_be_read(tmp_path: Path, write: Write) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_annotations(tmp_path / "absent.txt")
    for empty in ("", "{}", "[]"):
        with pytest.raises(UserError, match="holds no annotations"):
            read_annotations(write(empty))
    with pytest.raises(UserError, match="no known format"):
        read_annotations(write("video,start,end\n"))
    with pytest.raises(UserError, match="line 2, column 1: not JSON"):
        read_annotations(write('{"v":\n'))
    with pytest.raises(UserError, match="gives no durations"):
        read_annotations(write("AAAAA 1 2##x"))
    path = tmp_path / "latin.txt"
    path.write_bytes("AAAAA 1 2##pi\xf1ata".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        read_annotations(path, DURATIONS)


def test_durations_lie_beside_the_text(tmp_path: Path, write: Write) -> None:
    path = write("AAAAA 1 2##x\nBBBBB 1 2##y\n")
    write("id,length,script\nAAAAA,30.5,\n", "Charades_v1_train.csv")
    write("id,length\nBBBBB,7\n", "Charades_v1_test.csv")
    assert [query.duration_s for query in read_annotations(path).queries] == [30.5, 7]
    write({"AAAAA": {"duration": 3}, "BBBBB": {"duration": 4}}, "charades.json")
    assert duration_files(tmp_path) == (tmp_path / "charades.json",)
    assert [query.duration_s for query in read_annotations(path).queries] == [3, 4]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "not JSON"),
        ("a.json", "[]", "not a JSON object"),
        ("a.json", '{"AAAAA": {}}', "video 'AAAAA': no duration"),
        ("a.json", '{"AAAAA": {"duration": "x"}}', "not a time"),
        ("a.csv", "id,script\n", "no columns"),
        ("a.csv", "id,length\nAAAAA,x\n", "line 2"),
    ],
)
def test_malformed_durations(write: Write, name: str, content: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_durations(write(content, name))


@needs_shared
@pytest.mark.parametrize(
    ("path", "counts"),
    [
        ("charades-sta/charades_sta_train.txt", (12408, 5338, 1802, 734, 0, 0, 0)),
        ("charades-sta/charades_sta_test.txt", (3720, 1334, 562, 228, 0, 0, 0)),
        ("activitynet-captions/train.json", (37421, 10009, 29, 0, 4, 0, 0)),
        ("activitynet-captions/val_1.json", (17505, 4917, 5, 0, 0, 0, 0)),
        ("activitynet-captions/val_2.json", (17031, 4885, 1, 0, 0, 0, 0)),
        ("tacos/train.json", (9790, 75, 43, 0, 0, 1201, 1703)),
        ("tacos/val.json", (4436, 27, 0, 0, 0, 516, 792)),
        ("tacos/test.json", (4001, 25, 5, 0, 0, 567, 832)),
    ],
)
def test_counts_of_the_real_files(path: str, counts: tuple[int, ...]) -> None:
    read = read_annotations(REAL / path)
    r = read.report
    quirks = (r.ends_beyond, r.ends_beyond_1s, r.empty, r.duplicates, r.repeated_sentences)
    assert (r.annotated, r.videos, *quirks) == counts
    assert len({query.query_id for query in read.queries}) == r.queries == r.annotated - r.empty
    assert all(0 <= query.start_s < query.end_s <= query.duration_s for query in read.queries)


@needs_shared
def test_quirks_of_the_real_files() -> None:
    assert read_annotations(REAL / "charades-sta/charades_sta_train.txt").report.worst_excess_s == 1.54
    train = REAL / "activitynet-captions/train.json"
    assert read_annotations(train).report.stripped == 25_731
    dropped = {q.video_id for q in read_annotations(train, policy=Policy(empty="keep")).queries if q.start_s >= q.end_s}
    assert dropped == {"v_0bosp4-pyTM", "v_rhOtqArO-3Y", "v_N7ppHQNikv8", "v_4rKTw99bM8g"}
    tacos = read_annotations(REAL / "tacos/train.json").queries
    assert sum(query.end_s - query.start_s < 1 for query in tacos) == 46
