"""Pairs without a moment from a file of one's own: what is read, what is refused, and that they teach like others."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest

from emtm.data.annotated import OUTSIDE, AnnotatedPart, restrict
from emtm.data.records import Dataset, Query
from emtm.data.unlabelled import add_unlabelled, pin_unlabelled
from emtm.errors import UserError
from emtm.training.runs import read_spec
from emtm.training.spec import DataSource, RunSpec, plan
from tests.distillation.few import DRAW, SHARE, outcome, run, settings, small_world, stand_in

PART = AnnotatedPart(SHARE, DRAW)


@pytest.fixture(scope="module")
def world() -> Dataset:
    return small_world()


def write(path: Path, *entries: object) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def read(world: Dataset, path: Path) -> tuple[Query, ...]:
    return add_unlabelled(world, pin_unlabelled(path)).unlabelled


def test_pairs_have_a_sentence_a_length_and_no_moment(world: Dataset, tmp_path: Path) -> None:
    known = world.splits["train"][0]
    file = write(
        tmp_path / "pairs.jsonl",
        {"video_id": known.video_id, "query": "a person stands up"},
        {"video_id": "new", "duration": 12.5, "query": "a dog barks", "caption_id": 7},
        {"video_id": "new", "query": "it stops"},
    )
    found = add_unlabelled(world, pin_unlabelled(file))
    assert [(q.query_id, q.video_id, q.sentence, q.duration_s) for q in found.unlabelled] == [
        (f"{OUTSIDE}1", known.video_id, "a person stands up", known.duration_s),
        (f"{OUTSIDE}2", "new", "a dog barks", 12.5),
        (f"{OUTSIDE}3", "new", "it stops", 12.5),
    ]
    assert all(math.isnan(time) for query in found.unlabelled for time in (query.start_s, query.end_s))
    assert found.splits == world.splits
    assert found.notes[-1] == "without a moment, from pairs.jsonl: 3 queries of 2 videos, 1 of them new"


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ([1], "line 1: not a JSON object"),
        ({"video_id": "new", "duration": 3}, "line 1: lacks query"),
        ({"video_id": "new", "query": "x"}, "line 1: lacks duration, and video 'new' is not known"),
        ({"video_id": "new", "duration": 0, "query": "x"}, "must be positive"),
        ({"video_id": "new", "duration": 9, "query": "x", "start": 1, "end": 2}, "line 1: has 'start'"),
        ({"video_id": "new", "duration": 9, "query": "  "}, "blank|empty"),
        ({"video_id": "TEST", "query": "x"}, "is in test of the dataset"),
        ({"video_id": "VAL", "query": "x"}, "is in val of the dataset"),
        ({"video_id": "TRAIN", "duration": 1e6, "query": "x"}, "takes 1e\\+06 s here and"),
    ],
)
def test_a_line_that_is_no_pair_is_refused_with_its_place(
    entry: object, words: str, world: Dataset, tmp_path: Path
) -> None:
    if isinstance(entry, dict):
        named = {split.upper(): queries[0].video_id for split, queries in world.splits.items()}
        entry = {**entry, "video_id": named.get(entry["video_id"], entry["video_id"])}
    with pytest.raises(UserError, match=words):
        read(world, write(tmp_path / "pairs.jsonl", entry))


def test_an_empty_file_a_file_that_is_not_there_and_one_that_changed(world: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no pair"):
        read(world, write(tmp_path / "empty.jsonl"))
    with pytest.raises(UserError, match="cannot read"):
        pin_unlabelled(tmp_path / "none.jsonl")
    file = write(tmp_path / "pairs.jsonl", {"video_id": "new", "duration": 3, "query": "x"})
    pinned = pin_unlabelled(file)
    write(file, {"video_id": "new", "duration": 4, "query": "x"})
    with pytest.raises(UserError, match="has changed since the run began"):
        add_unlabelled(world, pinned)


@pytest.mark.slow
def test_pairs_of_a_file_teach_as_queries_whose_moments_are_withheld(
    world: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = restrict(world, PART)
    pairs = write(
        tmp_path / "pairs.jsonl",
        *({"video_id": q.video_id, "duration": q.duration_s, "query": q.sentence} for q in few.unlabelled),
    )
    teach = ("--teachers={}/teacher", "--ablate=both", "--out={}/student")
    weights = []
    for name, dataset, chosen in (
        ("withheld", world, (f"--annotated={SHARE}", f"--draw={DRAW}")),
        ("file", dataclasses.replace(few, unlabelled=(), notes=world.notes), (f"--unlabelled={pairs}",)),
    ):
        stand_in(monkeypatch, dataset)
        out = tmp_path / name
        assert run("train", "vslnet", *settings(), *chosen, f"--out={out}/teacher") == 0
        assert run("distill", *settings(), *chosen, *(word.format(out) for word in teach)) == 0
        weights.append([outcome(out / part)["weights"] for part in ("teacher", "student")])
    assert weights[0] == weights[1]
    student = tmp_path / "file" / "student"
    kept = read_spec(student).data.unlabelled
    assert kept is not None and kept.path == str(pairs)
    # What was learned from is not asked for again.
    pairs.unlink()
    assert run("evaluate", student) == 0
    assert run("train", "vslnet", *settings(), f"--unlabelled={pairs}", f"--out={tmp_path}/no") == 2


@pytest.mark.parametrize("stored", [{"path": 3, "sha256": "x"}, {"path": "p"}, "p"])
def test_a_damaged_record_of_the_file_is_an_error_of_the_run(stored: object, tmp_path: Path) -> None:
    spec = plan("vslnet", DataSource("smoke"), None, [], 0).to_json(tmp_path)
    with pytest.raises((TypeError, ValueError)):
        RunSpec.from_json({**spec, "data": {**spec["data"], "unlabelled": stored}}, tmp_path)
