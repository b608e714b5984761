"""A video that has not ended: the answers of the whole video so far, in bounded memory, from the command line too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from emtm.cli import app
from emtm.contract import AnyModel
from emtm.data.records import FloatArray
from emtm.data.text import Vocabulary
from emtm.deploy.stream import Stream
from emtm.errors import UserError
from emtm.training.inference import ground_queries

from ..models.tiny import VOCABULARY, Subject

CLIPS = 30
SENTENCES = ["person opens the red door", "cup"]


def model(name: str = "emtm-student", **changes: object) -> AnyModel:
    return Subject(name).build(**{"max_clips": CLIPS, **changes})  # type: ignore[arg-type]


def stream_of(built: AnyModel, row_s: float = 1.0) -> Stream:
    words = tuple(dict.fromkeys(VOCABULARY))
    return Stream(built, Vocabulary(words, tuple("abcdefghijklmn")), row_s=row_s)


def rows_of(count: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(size=(count, 20)).astype(np.float32)


def clips_of(rows: FloatArray, per_clip: int) -> FloatArray:
    return np.stack([rows[start : start + per_clip].mean(0) for start in range(0, len(rows), per_clip)])


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any), asking=st.sets(st.integers(0, 7)))
def test_however_rows_arrive_the_encoding_is_that_of_all_clips_so_far(sizes: list[int], asking: set[int]) -> None:
    built, rows = model(), rows_of(sum(sizes))
    stream, done = stream_of(built), 0
    for i, size in enumerate(sizes):
        stream.add(rows[done : done + size])
        done += size
        if done and (i in asking or i == len(sizes) - 1):
            clips = torch.from_numpy(clips_of(rows[:done], stream.rows_per_clip))[None]
            assert CLIPS // 2 < clips.shape[1] <= CLIPS or stream.rows_per_clip == 1
            with torch.inference_mode():
                whole = built.encode_video(clips, torch.ones(clips.shape[:2], dtype=torch.bool))[0][0]
                torch.testing.assert_close(stream._encode(), whole, rtol=0.0, atol=2e-5)


@pytest.mark.parametrize("name", ["emtm", "emtm-student", "seqpan"])
def test_while_clips_are_rows_answers_are_those_of_the_whole_video(name: str) -> None:
    built, rows = model(name), rows_of(CLIPS)
    stream = stream_of(built, row_s=0.5)
    for count in (1, 13, CLIPS):
        stream.add(rows[stream.rows : count])
        found = stream.ground(SENTENCES, top_k=3)
        video = torch.from_numpy(rows[:count])[None].expand(2, -1, -1)
        with torch.inference_mode():
            encoded = built.encode_video(video, torch.ones(2, count, dtype=torch.bool))
            output = built.ground(encoded, stream._query(tuple(SENTENCES)))
            expected = built.moments(output, torch.full((2,), count * 0.5), 3).numpy()
        np.testing.assert_allclose(np.stack(found)[..., 2], expected[..., 2], rtol=0.0, atol=1e-5)
        np.testing.assert_allclose(np.stack(found)[:, 0], expected[:, 0], rtol=0.0, atol=1e-5)


def numbers_in(stream: Stream) -> int:
    return sum(value.numel() for value in vars(stream).values() if isinstance(value, torch.Tensor))


def test_a_video_that_never_ends_takes_no_more_memory_and_can_still_be_found_from_its_start() -> None:
    stream = stream_of(model(), row_s=2.0)
    held = numbers_in(stream)
    for seed in range(40):
        stream.add(rows_of(CLIPS, seed))
        (moment,) = stream.ground(["cup"])
        assert 0.0 <= moment[0, 0] < moment[0, 1] <= stream.duration_s == 2.0 * CLIPS * (seed + 1)
    assert stream.rows_per_clip == 64 and numbers_in(stream) == held


def test_final_clips_are_not_encoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    built = model(max_clips=400)
    stream, lengths = stream_of(built), list[int]()
    reach = stream._reach
    assert reach == 12
    stream.add(rows_of(200))
    stream.ground(SENTENCES)
    convolve = stream._encoder.conv_block.forward

    def noted(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        lengths.append(x.shape[1])
        return convolve(x, mask)

    monkeypatch.setattr(stream._encoder.conv_block, "forward", noted)
    for _ in range(3):
        stream.add(rows_of(5))
        stream.ground(SENTENCES)
    assert lengths == [2 * reach + 5] * 3


@pytest.mark.parametrize(
    ("rows", "said"),
    [(np.zeros((2, 3)), "rows, 20"), (np.full((1, 20), np.nan), "finite"), (np.zeros(20), "rows, 20")],
)
def test_rows_that_do_not_fit_are_refused_and_none_is_taken(rows: FloatArray, said: str) -> None:
    stream = stream_of(model())
    with pytest.raises(UserError, match=said):
        stream.add(rows)
    assert stream.rows == 0
    with pytest.raises(UserError, match="no feature row"):
        stream.ground(SENTENCES)


def test_models_that_cannot_follow_are_refused() -> None:
    with pytest.raises(UserError, match="depends on the whole video"):
        stream_of(model("vslnet"))
    with pytest.raises(UserError, match="official"):
        stream_of(model(official=True))
    with pytest.raises(UserError, match="means of all rows"):
        stream_of(model(resampling="2d-tan"))
    with pytest.raises(UserError, match="positive"):
        stream_of(model(), row_s=0.0)


def follow(run: Path, video: str, *more: str, given: str | None = None) -> tuple[int, list[dict[str, object]], str]:
    arguments = ["predict", str(run), "--video", video, "--query", "a person opens the door", *more]
    done = CliRunner().invoke(app, arguments, input=given)
    lines = done.stdout.splitlines() if done.exit_code == 0 else []
    return done.exit_code, [json.loads(line) for line in lines], done.stderr


def test_the_command_answers_as_rows_arrive_and_at_the_end(student: Path, tmp_path: Path) -> None:
    width = Stream.of_run(student, row_s=1.0).width
    rows = np.random.default_rng(0).normal(size=(50, width)).astype(np.float32)
    np.save(tmp_path / "video.npy", rows)
    code, answers, _ = follow(
        student, "-", "--stream", "10", "--row-s", "0.5", given="\n".join(json.dumps(row.tolist()) for row in rows)
    )
    assert code == 0
    assert [answer["duration_s"] for answer in answers] == [10.0, 20.0, 25.0]
    assert follow(student, str(tmp_path / "video.npy"), "--stream", "10", "--row-s", "0.5")[1] == answers
    whole = ground_queries(student, tmp_path / "video.npy", ["a person opens the door"], 25.0, 1)["queries"][0]
    last = answers[-1]["queries"][0]["moments"][0]  # type: ignore[index]
    assert last == pytest.approx(whole["moments"][0], abs=2e-4)


@pytest.mark.parametrize(
    ("more", "given", "said"),
    [
        (["--stream", "5"], "", "--row-s"),
        (["--stream", "5", "--row-s", "1", "--duration", "9"], "", "no --duration"),
        (["--row-s", "1"], "", "for --stream"),
        (["--stream", "0", "--row-s", "1"], "[1]", "positive"),
        (["--stream", "5", "--row-s", "1"], "", "no feature row has arrived"),
        (["--stream", "5", "--row-s", "1"], "[1, 2]", "rows, "),
        (["--stream", "5", "--row-s", "1"], "\n{}", "line 2"),
        (["--stream", "5", "--row-s", "1"], "[1e999]", "line 1"),
        (["--stream", "5", "--row-s", "1"], '["a"]', "line 1"),
    ],
)
def test_bad_streams_are_refused(student: Path, more: list[str], given: str, said: str) -> None:
    code, _, error = follow(student, "-", *more, given=given)
    assert code == 2 and said in error and error.count("\n") == 1
