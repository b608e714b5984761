"""Answers about a stream beside those about the whole video, and the committed figures."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from bench import following
from emtm.data.records import Query
from emtm.data.text import Vocabulary
from emtm.files import read_json

from ..models.tiny import VOCABULARY, Subject

ROOT = Path(__file__).resolve().parents[2]
FOUND = read_json(ROOT / "reports" / "streams" / "smoke-12-clips.json")


def pair(rows_per_clip: int, streamed: tuple[float, float], whole: tuple[float, float]) -> following.Pair:
    return following.Pair(rows_per_clip, False, streamed, whole, (0.0, 1.0))


def test_agreement_is_of_the_answers_of_one_clip_length() -> None:
    pairs = [pair(1, (0.0, 2.0), (0.0, 2.0)), pair(1, (0.0, 2.0), (1.0, 2.0)), pair(1, (0.0, 1.0), (1.0, 2.0))]
    found = following.agreement(1, [*pairs, pair(2, (0.0, 9.0), (0.0, 9.0))])
    assert found == following.Agreement(1, 3, 33.33, 0.5, 66.67)


def test_a_stream_is_asked_when_a_quarter_and_all_has_arrived_and_agrees_where_its_clips_are_the_videos() -> None:
    model = Subject("emtm-student").build(max_clips=10)
    vocabulary = Vocabulary(tuple(dict.fromkeys(VOCABULARY)), tuple("abcdefghijklmn"))
    rows = np.random.default_rng(0).normal(size=(40, 20)).astype(np.float32)
    query = Query("q", "video", "person opens the red door", 20.0, 2.0, 7.0)
    pairs = list(following.played(model, vocabulary, rows, [query, replace(query, query_id="r", sentence="cup")]))
    assert [p.rows_per_clip for p in pairs[::2]] == [1, 2, 4, 4]
    assert [p.ended for p in pairs] == [False] * 6 + [True] * 2
    # 10, 20 and 40 rows are 10 clips for both; of 30 the stream makes 8 clips, and the whole video 10.
    for p in (*pairs[:4], *pairs[6:]):
        np.testing.assert_allclose(p.streamed, p.whole, rtol=0.0, atol=1e-4)
    assert pairs[0].truth == (2.0, 7.0)


def test_the_command_writes_what_it_found(student: Path, tmp_path: Path) -> None:
    out = tmp_path / "following.json"
    done = CliRunner().invoke(following.app, [str(student), "--out", str(out)])
    assert done.exit_code == 0, done.output
    found = read_json(out)
    assert set(found) == set(FOUND) and found["synthetic"] is True
    # 32 rows are 32 clips of the 64 that the model takes.
    assert [row["rows_per_clip"] for row in found["agreement"]] == [1]
    assert found["agreement"][0]["same_pct"] == 100.0
    assert found["at_the_end"]["r1_05_streamed_pct"] == found["at_the_end"]["r1_05_whole_pct"]


def test_the_page_says_what_the_committed_file_holds() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    for row in FOUND["agreement"]:
        same, overlap, half = row["same_pct"], row["mean_iou"], row["iou_05_pct"]
        line = f"| {row['rows_per_clip']} | {row['answers']} | {same:.0f} % | {overlap:.2f} | {half:.0f} % |"
        assert line in page
    end = FOUND["at_the_end"]
    assert f"R1@0.5 is {end['r1_05_streamed_pct']:.1f} % and {end['r1_05_whole_pct']:.1f} %" in page
    assert re.search(rf"student of {FOUND['max_clips']} clips", page)
