"""What `python -m emtm predict --stream` prints: rows as they arrive, and an answer every few seconds of video."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emtm.data.features import read_video
from emtm.data.records import FloatArray
from emtm.deploy.stream import Stream
from emtm.errors import UserError
from emtm.files import parse_json


def answers(
    stream: Stream, rows: Iterable[FloatArray], sentences: Sequence[str], every_s: float, top_k: int
) -> Iterator[dict[str, Any]]:
    """After each `every_s` seconds of video, and at its end, the moments of each sentence so far.

    Args:
        stream: nothing has been asked of it, and no row has arrived.
        rows: one feature row `[V]` after the other.
        sentences: what is asked each time.
        every_s: seconds of video from one answer to the next.
        top_k: moments of a sentence.

    Raises:
        UserError: `every_s` is no length of time, there are no rows, one does not fit, or a sentence is empty.
    """
    if not (math.isfinite(every_s) and every_s > 0):
        raise UserError(f"answers must be a positive number of seconds apart, not {every_s}")
    told = answered = 0
    for row in rows:
        stream.add(row[None])
        due = math.floor(stream.duration_s / every_s * (1 + 1e-9))
        if due > told:
            told = due
            yield _answer(stream, sentences, top_k)
            answered = stream.rows
    if not answered or answered < stream.rows:
        yield _answer(stream, sentences, top_k)


def _answer(stream: Stream, sentences: Sequence[str], top_k: int) -> dict[str, Any]:
    found = stream.ground(sentences, top_k)
    return {
        "duration_s": round(stream.duration_s, 4),
        "clip_s": round(stream.rows_per_clip * stream.row_s, 4),
        "queries": [
            {"query": sentence, "moments": [[round(float(x), 4) for x in moment] for moment in moments]}
            for sentence, moments in zip(sentences, found, strict=True)
        ],
    }


def rows_of_lines(lines: Iterable[str]) -> Iterator[FloatArray]:
    """Feature rows `[V]`, one JSON list a line; blank lines are passed over. Raises UserError for anything else."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = np.array(parse_json(line), np.float32)
        except (ValueError, TypeError):
            row = np.array(math.nan)
        if row.ndim != 1 or not np.isfinite(row).all():
            raise UserError(f"line {number} is no feature row: a JSON list of finite numbers is wanted")
        yield row


def open_stream(run: Path, video: Path, lines: Iterable[str], row_s: float) -> tuple[Stream, Iterator[FloatArray]]:
    """A stream for the run, and the rows of `video`: a feature file, or `-` for `lines`."""
    stream = Stream.of_run(run, row_s=row_s)
    if str(video) == "-":
        return stream, rows_of_lines(lines)
    return stream, iter(read_video(video, stream.width))
