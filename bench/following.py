"""`python -m bench.following RUN`: how far answers about a stream are from those about the whole video so far.

Every video of the test split is played as a stream, and asked about when a quarter, a half, three quarters and all of
its rows have arrived. Beside each answer stands the model's own to the same rows as one video.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

from emtm.cli.boundary import OneCommand
from emtm.contract import AnyModel
from emtm.data.features import resample
from emtm.data.records import FloatArray, Query
from emtm.data.text import Vocabulary
from emtm.deploy.stream import Stream
from emtm.errors import UserError
from emtm.files import replacing
from emtm.layers.span.model import SpanModel
from emtm.metrics.iou import temporal_iou
from emtm.training.evaluation import open_source, split_of
from emtm.training.runs import load_run

FORMAT = "emtm-bench/following-1"
_PARTS = (0.25, 0.5, 0.75, 1.0)
_HIT = 0.5
_SAME = 1e-3
"""Seconds up to which two moments are one."""

Span = tuple[float, float]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Pair:
    """The best moments, start and end in seconds, of a query whose video has arrived in part."""

    rows_per_clip: int
    ended: bool
    streamed: Span
    whole: Span
    truth: Span


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the answers given while a clip was the mean of so many rows."""

    rows_per_clip: int
    answers: int
    same_pct: float
    mean_iou: float
    iou_05_pct: float
    """Share of answers that share at least half with those of the whole."""


@app.command(cls=OneCommand, epilog="Example: python -m bench.following runs/student --out following.json")
def main(
    run: Annotated[Path, typer.Argument(help="Run directory of EMTM, its student or SeqPAN.")],
    out: Annotated[Path | None, typer.Option(help="JSON file to write; otherwise it is printed.")] = None,
) -> None:
    """Play the test videos of a run as streams, and compare answers with those to the whole video so far."""
    text = json.dumps(document(run), indent=2, allow_nan=False) + "\n"
    if out is None:
        print(text, end="")
        return
    with replacing(out) as partial:
        partial.write_text(text, "utf-8")
    print(out)


def document(path: Path) -> dict[str, Any]:
    """The comparison as JSON; raises UserError where the run cannot be read or cannot follow a stream."""
    trained = load_run(path)
    dataset = open_source(trained.spec.data)
    queries = sorted(split_of(dataset, "test"), key=lambda query: query.video_id)
    pairs = list[Pair]()
    for video_id, asked in groupby(queries, key=lambda query: query.video_id):
        pairs += played(trained.model, trained.vocabulary, dataset.features[video_id], list(asked))
    last = [pair for pair in pairs if pair.ended]
    return {
        "format": FORMAT,
        "model": trained.name,
        "weights_sha256": trained.weights_sha256,
        "dataset": dataset.name,
        "synthetic": dataset.synthetic,
        "max_clips": trained.config.max_clips,
        "queries": len(queries),
        "asked_at": list(_PARTS),
        "agreement": [asdict(agreement(size, pairs)) for size in sorted({pair.rows_per_clip for pair in pairs})],
        "at_the_end": {
            "r1_05_streamed_pct": _hits([(p.streamed, p.truth) for p in last]),
            "r1_05_whole_pct": _hits([(p.whole, p.truth) for p in last]),
        },
    }


def played(model: AnyModel, vocabulary: Vocabulary, rows: FloatArray, queries: Sequence[Query]) -> Iterator[Pair]:
    """Pairs of a video's rows `[n, V]`, all of which last as long."""
    if not isinstance(model, SpanModel):
        raise UserError(f"{model.name} cannot follow a stream: its encoding of a clip depends on the whole video")
    rows, row_s = np.asarray(rows, np.float32), queries[0].duration_s / len(rows)
    stream, sentences = Stream(model, vocabulary, row_s=row_s), [query.sentence for query in queries]
    for part in _PARTS:
        count = max(1, round(part * len(rows)))
        stream.add(rows[stream.rows : count])
        clips = resample(rows[:count], model.config.max_clips)
        at_once = Stream(model, vocabulary, row_s=count * row_s / len(clips))
        at_once.add(clips)
        for query, ours, theirs in zip(queries, stream.ground(sentences), at_once.ground(sentences), strict=True):
            yield Pair(
                stream.rows_per_clip,
                count == len(rows),
                (float(ours[0, 0]), float(ours[0, 1])),
                (float(theirs[0, 0]), float(theirs[0, 1])),
                (query.start_s, query.end_s),
            )


def agreement(rows_per_clip: int, pairs: Sequence[Pair]) -> Agreement:
    """What the pairs of one clip length say."""
    found = [(pair.streamed, pair.whole) for pair in pairs if pair.rows_per_clip == rows_per_clip]
    apart = np.abs(np.subtract(*np.array(found).transpose(1, 0, 2))).max(1)
    return Agreement(
        rows_per_clip,
        len(found),
        round(100.0 * float((apart <= _SAME).mean()), 2),
        round(float(_ious(found).mean()), 4),
        _hits(found),
    )


def _hits(pairs: Sequence[tuple[Span, Span]]) -> float:
    return round(100.0 * float((_ious(pairs) >= _HIT).mean()), 2)


def _ious(pairs: Sequence[tuple[Span, Span]]) -> npt.NDArray[np.float64]:
    return temporal_iou(*np.array(pairs).transpose(1, 0, 2))


if __name__ == "__main__":
    app()
