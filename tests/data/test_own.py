"""Data of one's own: its lines, its name, and its splits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.annotations import Policy
from emtm.data.annotations.own_lines import EXAMPLE, faults
from emtm.data.datasets import feature_width, open_dataset
from emtm.data.learned_words import learned_note, learned_words
from emtm.data.own import hold_out, make_splits, own_title, read_own
from emtm.data.prepare import prepare
from emtm.data.records import Query
from emtm.data.text import Vocabulary
from emtm.errors import UserError
from tests.own import VIDEOS, WIDTH, Layout, make_folder

SOUND = {"video_id": "a", "duration": 9.5, "query": "she waits", "start": 1, "end": 4.25}


def write(path: Path, *lines: dict[str, Any] | str) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), "utf-8")
    return path


def without(*keys: str, **more: Any) -> dict[str, Any]:
    return {key: value for key, value in SOUND.items() if key not in keys} | more


def test_a_line_is_a_query(tmp_path: Path) -> None:
    assert faults(write(tmp_path / "q.jsonl", EXAMPLE), Policy()) == []
    several = without("start", "end", video_id="b", windows=[[0, 1], [3, 8]], query_id="mine", note="not read")
    write(tmp_path / "q.jsonl", SOUND, several, without("end", video_id="c.mp4", end=12))
    own = read_own(tmp_path, Policy())
    queries = {query.video_id: query for part in own.splits.values() for query in part}
    assert (queries["a"].start_s, queries["a"].end_s, queries["a"].duration_s) == (1, 4.25, 9.5)
    assert queries["b"].windows == ((0, 1), (3, 8)) and queries["b"].query_id == "mine"
    assert queries["c"].end_s == 9.5
    assert "1 ends clipped to the duration" in own.notes[0]


WRONG: list[tuple[dict[str, Any] | str, str]] = [
    ("{", "column 2: not JSON"),
    ("[1]", "not a JSON object such as"),
    (without("duration"), "lacks duration; it has video_id, query, start, end"),
    (without("video_id", vid="a"), "lacks video_id; it has duration, query, start, end, vid"),
    (without("end"), "lacks end, or 'windows'"),
    (without("start", "end"), "lacks start and end, or 'windows'"),
    (without(windows=[[1, 2]]), "has 'windows' and 'start'"),
    (without("start", "end", windows=[]), "'windows' is not a list of [start, end]"),
    (without("start", "end", windows=[3, 4]), "'3' is not [start, end]"),
    (without(start="soon"), "'soon' is not a time in seconds"),
    (without(duration=0), "the duration is 0.0 seconds"),
    (without(query=7), "'7' is not text"),
    (without(start=-30), "starts before the video"),
    (without(split="dev"), "'split' is train or val or test, not 'dev'"),
    (without(split="train"), "has a 'split', which line 1 lacks"),
]


def test_every_line_that_is_wrong_is_said_with_its_number(tmp_path: Path) -> None:
    path = write(tmp_path / "q.jsonl", without(query_id="x"), "", *(line for line, _ in WRONG), without(query_id="x"))
    found = faults(path, Policy())
    assert len(found) == len(WRONG) + 1
    for number, (fault, (_, said)) in enumerate(zip(found, WRONG, strict=False), 3):
        assert fault.startswith(f"{path}, line {number}") and said in fault, fault
    assert found[-1] == f"{path}, line {len(WRONG) + 3}: the query id 'x' is that of line 1"
    with pytest.raises(UserError, match=r"q\.jsonl, line 3, column 2"):
        read_own(tmp_path, Policy())
    inspection = prepare("custom", tmp_path, title="mine")
    assert inspection.wrong == found
    assert not inspection.annotations_sound
    assert inspection.manifest is None


def test_thousands_of_wrong_lines_are_counted(tmp_path: Path) -> None:
    write(tmp_path / "q.jsonl", *["{}"] * 3000)
    wrong = prepare("custom", tmp_path, title="mine").wrong
    assert len(wrong) == 21 and wrong[-1] == "and 2,980 more lines"


def test_splits_may_be_given_in_the_lines(tmp_path: Path) -> None:
    lines = [
        without(video_id=video, split=split)
        for video, split in zip("abcde", ["train"] * 3 + ["val", "test"], strict=True)
    ]
    write(tmp_path / "q.jsonl", *lines)
    own = read_own(tmp_path, Policy())
    assert {split: [query.video_id for query in part] for split, part in own.splits.items()} == {
        "train": ["a", "b", "c"],
        "val": ["d"],
        "test": ["e"],
    }
    assert not any("hash" in note for note in own.notes)
    path = write(tmp_path / "q.jsonl", *lines, without(video_id="b", split="test"))
    (fault,) = faults(path, Policy())
    assert fault == f"{path}, line 6: video 'b' is in test here and in train in line 2: splits are by video"
    write(tmp_path / "q.jsonl", *lines[:4])
    with pytest.raises(UserError, match=r"no line of .*q\.jsonl has the split test"):
        read_own(tmp_path, Policy())


def test_splits_may_be_given_as_files(tmp_path: Path) -> None:
    train = [without(video_id=f"v{number}") for number in range(8)]
    write(tmp_path / "train.jsonl", *train)
    write(tmp_path / "test.jsonl", without(video_id="t"))
    own = read_own(tmp_path, Policy())
    assert [query.video_id for query in own.splits["test"]] == ["t"]
    assert {query.video_id for query in own.splits["val"]} == set(hold_out([f"v{number}" for number in range(8)]))
    assert any(note.startswith("val: made of the training videos") for note in own.notes)
    assert read_own(tmp_path / "test.jsonl", Policy()).splits == own.splits
    write(tmp_path / "val.jsonl", without(video_id="x"))
    assert [query.video_id for query in read_own(tmp_path, Policy()).splits["val"]] == ["x"]
    write(tmp_path / "val.jsonl", without(video_id="v3"))
    with pytest.raises(UserError, match="video 'v3' is in train and in val: split by video"):
        read_own(tmp_path, Policy())
    path = write(tmp_path / "val.jsonl", without(video_id="x", split="test"))
    assert faults(path, Policy(), "val") == [f"{path}, line 1: the split is 'test', but the file is val.jsonl"]


def test_it_is_plain_which_files_are_meant(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no directory"):
        read_own(tmp_path / "none", Policy())
    with pytest.raises(UserError, match=r'holds no \.jsonl file of queries; a line of one is \{"video_id"'):
        read_own(tmp_path, Policy())
    for name in ("one.jsonl", "two.jsonl"):
        write(tmp_path / name, SOUND)
    with pytest.raises(UserError, match=r"holds 2 \.jsonl files \(one\.jsonl, two\.jsonl\)"):
        read_own(tmp_path, Policy())


VIDEO_IDS = st.sets(st.text(min_size=1, max_size=6), min_size=3, max_size=60)


@given(VIDEO_IDS, st.floats(0, 0.4), st.floats(0, 0.4), st.integers(0, 9))
def test_made_splits_nest_and_leave_nothing_out(videos: set[str], small: float, more: float, seed: int) -> None:
    of = make_splits(videos, val=0.1, test=small, seed=seed)
    assert of.keys() == videos
    assert set(of.values()) == {"train", "val", "test"}
    wider = make_splits(videos, val=0.1, test=small + more, seed=seed)
    assert {v for v in videos if of[v] == "test"} <= {v for v in videos if wider[v] == "test"}
    longer = make_splits(videos, val=0.1 + more, test=0.2, seed=seed)
    shorter = make_splits(videos, val=0.1, test=0.2, seed=seed)
    assert {v for v in videos if shorter[v] == "val"} <= {v for v in videos if longer[v] == "val"}


def test_made_splits_keep_their_shares_and_stay_when_videos_come() -> None:
    first, all_of = ([f"video-{number}" for number in range(count)] for count in (400, 2000))
    before, after = make_splits(first), make_splits(all_of)
    assert all(after[video] == split for video, split in before.items())
    shares = {split: list(after.values()).count(split) / 2000 for split in ("val", "test")}
    assert shares == {"val": pytest.approx(0.1, abs=0.02), "test": pytest.approx(0.2, abs=0.03)}
    assert make_splits(all_of, seed=1) != after
    with pytest.raises(UserError, match="2 videos cannot be split"):
        make_splits(["a", "b"])


def test_a_name_is_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "kitchen").mkdir()
    assert own_title(None, tmp_path / "kitchen") == "kitchen"
    assert own_title("My.set_2", tmp_path) == "My.set_2"
    for name in ("charades-sta", "Charades-STA", "CharadesSTA", "ActivityNet.Captions", "TACoS", "smoke", "synth-x"):
        with pytest.raises(UserError, match="choose one of your own with --name"):
            own_title(name, tmp_path)
    for name in ("", "a b", "../x", "-x", "x" * 41, "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "a+embedded"):
        with pytest.raises(UserError, match="cannot name a dataset"):
            own_title(name, tmp_path)
    (tmp_path / "charades-sta").mkdir()
    with pytest.raises(UserError, match="'charades-sta' is the name of a dataset that others know"):
        own_title(None, tmp_path / "charades-sta")


@pytest.mark.parametrize("layout", ["npy", "npz", "hdf5"])
def test_features_are_as_wide_as_they_are(tmp_path: Path, layout: Layout) -> None:
    root = make_folder(tmp_path / "kitchen", layout)
    assert feature_width("custom", root, None) == WIDTH
    dataset = open_dataset("custom", root)
    assert (dataset.name, dataset.synthetic, dataset.features.dim) == ("kitchen", False, WIDTH)
    assert dataset.official == {}
    assert sum(map(len, dataset.splits.values())) == 2 * VIDEOS
    assert open_dataset("custom", root, title="mine").name == "mine"
    staged = open_dataset("custom", root, "embedded")
    assert (staged.name, staged.synthetic) == ("kitchen+embedded", True)


def sentences(*texts: str) -> tuple[Query, ...]:
    return tuple(Query(str(i), "v", text, 9.0, 1.0, 2.0) for i, text in enumerate(texts))


def test_words_are_learned_that_training_holds_twice() -> None:
    train = sentences("she opens the oven", "she shuts the door")
    words = learned_words(train)
    assert (words.words, words.vectors.shape, words.learned) == (("she", "the"), (2, 0), True)
    note = learned_note(words, {"train": train, "test": sentences("she shuts the tap")})
    assert "2 words are learned from 2 training sentences" in note and "50.0 % of the test split's tokens" in note
    assert learned_words(sentences("one two")).words == ("one", "two")
    vocabulary = Vocabulary.build(["she opens the oven"], words)
    first, again, other = (vocabulary.lexicon_to_learn(8, seed).vectors for seed in (0, 0, 1))
    assert first.requires_grad and first.shape == (2, 8)
    assert first.equal(again) and not first.equal(other)
    assert 0 < float(first.detach().abs().max()) <= (6 / 9) ** 0.5
