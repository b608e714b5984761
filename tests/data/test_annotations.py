import json

import pytest

from emtm.data.annotations import read_activitynet, read_charades_sta, read_durations
from emtm.data.datasets import open_dataset
from emtm.data.records import Query
from emtm.errors import UserError
from tests.shared import SHARED, needs_shared

DURATIONS = {"AAAAA": 30.0, "BBBBB": 10.5}


@pytest.fixture
def write(tmp_path):
    def write(content: str):
        path = tmp_path / "annotations.txt"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_charades_policies_are_applied_and_counted(write) -> None:
    path = write(
        "AAAAA 1.0 31.2##a person opens a door.\n"
        "BBBBB 8.0 7.0##inverted\n"
        "AAAAA 2 4## blanks around it. \n"
        "BBBBB 10.5 12.0##after the end\n"
    )
    queries, counts = read_charades_sta(path, DURATIONS)
    assert queries == (
        Query("AAAAA/0", "AAAAA", "a person opens a door.", 30.0, 1.0, 30.0),
        Query("AAAAA/1", "AAAAA", "blanks around it.", 30.0, 2.0, 4.0),
    )
    assert (counts.queries, counts.videos, counts.clipped_ends) == (2, 1, 2)
    assert (counts.dropped_empty, counts.stripped_blanks) == (2, 1)
    assert counts.note("file").startswith("file: 2 queries of 1 videos; 2 ends clipped")


def test_dropping_a_line_does_not_rename_the_others(write) -> None:
    queries, _ = read_charades_sta(write("AAAAA 5 4##x\nAAAAA 4 5##y\n"), DURATIONS)
    assert [query.query_id for query in queries] == ["AAAAA/1"]


@pytest.mark.parametrize(
    "line",
    [
        "AAAAA 1.0 2.0 no separator",
        "AAAAA 1.0##one time",
        "AAAAA one 2.0##a word",
        "AAAAA nan 2.0##not a number",
        "AAAAA -1.0 2.0##negative",
        "CCCCC 1.0 2.0##unknown video",
        "AAAAA 1.0 2.0## ",
    ],
)
def test_malformed_lines_are_named(write, line: str) -> None:
    with pytest.raises(UserError, match=r"annotations\.txt, line 2: "):
        read_charades_sta(write(f"AAAAA 1.0 2.0##fine.\n{line}\n"), DURATIONS)


def test_files_that_cannot_be_read(tmp_path, write) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_charades_sta(tmp_path / "absent.txt", DURATIONS)
    with pytest.raises(UserError, match="holds no annotations"):
        read_charades_sta(write(""), DURATIONS)
    with pytest.raises(UserError, match="not JSON"):
        read_durations(write("{"))
    with pytest.raises(UserError, match="not a JSON object"):
        read_activitynet(write("[]"))
    with pytest.raises(UserError, match="no 'duration'"):
        read_durations(write('{"AAAAA": {}}'))
    path = tmp_path / "latin.txt"
    path.write_bytes("AAAAA 1 2##pi\xf1ata".encode("latin-1"))
    with pytest.raises(UserError, match="not UTF-8"):
        read_charades_sta(path, DURATIONS)


def test_activitynet(write) -> None:
    content = {
        "v_x": {
            "duration": 82.73,
            "timestamps": [[0.83, 90.0], [5, 5], [1, 2]],
            "sentences": [" A piñata. ", "nothing", "two"],
        }
    }
    queries, counts = read_activitynet(write(json.dumps(content)))
    assert queries == (
        Query("v_x/0", "v_x", "A piñata.", 82.73, 0.83, 82.73),
        Query("v_x/2", "v_x", "two", 82.73, 1.0, 2.0),
    )
    assert (counts.clipped_ends, counts.dropped_empty, counts.stripped_blanks) == (1, 1, 1)


@pytest.mark.parametrize(
    "entry",
    [
        {"timestamps": [], "sentences": []},
        {"duration": 0, "timestamps": [[0, 1]], "sentences": ["x"]},
        {"duration": 9, "timestamps": [[0, 1]], "sentences": []},
        {"duration": 9, "timestamps": [[0]], "sentences": ["x"]},
        {"duration": 9, "timestamps": [["a", 1]], "sentences": ["x"]},
        {"duration": 9, "timestamps": [[0, 1]], "sentences": [3]},
        7,
    ],
)
def test_malformed_activitynet_names_the_video(write, entry: object) -> None:
    with pytest.raises(UserError, match="video 'v_x'"):
        read_activitynet(write(json.dumps({"v_x": entry})))


@needs_shared
@pytest.mark.parametrize(
    ("split", "count", "videos", "clipped"), [("train", 12408, 5338, 1802), ("test", 3720, 1334, 562)]
)
def test_counts_of_real_charades(split: str, count: int, videos: int, clipped: int) -> None:
    folder = SHARED / "data/annotations/charades-sta"
    durations = read_durations(folder / "charades.json")
    queries, counts = read_charades_sta(folder / f"charades_sta_{split}.txt", durations)
    assert (len(queries), counts.videos, counts.clipped_ends) == (count, videos, clipped)
    assert counts.dropped_empty == 0
    assert len({query.query_id for query in queries}) == count
    assert all(0 <= query.start_s < query.end_s <= query.duration_s for query in queries)


@needs_shared
@pytest.mark.parametrize(
    ("split", "count", "clipped", "dropped"),
    [("train", 37421, 29, 4), ("val_1", 17505, 5, 0), ("val_2", 17031, 1, 0)],
)
def test_counts_of_real_activitynet(split: str, count: int, clipped: int, dropped: int) -> None:
    queries, counts = read_activitynet(SHARED / f"data/annotations/activitynet-captions/{split}.json")
    assert (len(queries), counts.clipped_ends, counts.dropped_empty) == (count - dropped, clipped, dropped)


@needs_shared
def test_real_charades_with_embedded_features() -> None:
    root = SHARED / "data/annotations/charades-sta"
    dataset = open_dataset("charades-sta", root, "embedded")
    assert dataset.synthetic
    assert any("embedded features" in note for note in dataset.notes)
    videos = {split: {query.video_id for query in queries} for split, queries in dataset.splits.items()}
    assert (len(videos["train"]), len(videos["val"]), len(videos["test"])) == (4804, 534, 1334)
    assert not videos["train"] & videos["val"]
    assert dataset.features[next(iter(videos["val"]))].shape == (64, 1024)


@needs_shared
def test_real_charades_without_features_or_vectors(tmp_path) -> None:
    root = SHARED / "data/annotations/charades-sta"
    with pytest.raises(UserError, match="say where the features are"):
        open_dataset("charades-sta", root)
    with pytest.raises(UserError, match="needs a file of word vectors"):
        open_dataset("charades-sta", root, SHARED / "data/real-sample")
    with pytest.raises(UserError, match="needs the directory"):
        open_dataset("charades-sta")
    with pytest.raises(UserError, match=r"lacks charades\.json"):
        open_dataset("charades-sta", tmp_path)
