"""Training and using one model: `train`, `evaluate` and `predict`."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emtm.cli.app import (
    AnnotatedOption,
    ClipOption,
    DatasetOption,
    DeviceOption,
    DrawOption,
    FeaturesOption,
    FoldOption,
    GloveOption,
    JsonFlag,
    RootOption,
    SeedOption,
    SetOption,
    ThreadsOption,
    TitleOption,
    UnlabelledOption,
    check_device,
    command,
    compute,
    out_option,
    source,
)
from emtm.cli.output import print_json, print_scores, progress, resumable
from emtm.data.choices import Protocol
from emtm.errors import UserError


@command("python -m emtm train emtm-student --dataset smoke --out runs/student")
def train(
    model: Annotated[str, typer.Argument(help="Model name; see `python -m emtm models`.")],
    dataset: DatasetOption,
    out: Annotated[Path, out_option("Run directory to create.")],
    preset: Annotated[
        str | None,
        typer.Option(help="paper, compact, or a preset's own name [default: compact on embedded and own data]"),
    ] = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    annotated: AnnotatedOption = None,
    draw: DrawOption = None,
    unlabelled: UnlabelledOption = None,
    fold: FoldOption = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    root: RootOption = None,
    features: FeaturesOption = None,
    clip_s: ClipOption = None,
    glove: GloveOption = None,
    title: TitleOption = None,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a model; keep its best validation epoch and score that once on the test split."""
    from emtm.distillation.variants import check_untaught
    from emtm.registry import left_out
    from emtm.training.loop import train as run
    from emtm.training.spec import plan

    for package_model, why in left_out().items():
        if package_model.startswith(f"{model} of "):
            print(f"warning: model {package_model} is left out: {why}", file=sys.stderr)
    check_untaught(model)
    data = source(dataset, root, features, glove, title, annotated, draw, clip_s, fold, unlabelled)
    spec = plan(model, data, preset, settings or [], seed)
    check_device(device)
    compute(threads)
    with resumable(out, "the same command with --resume goes on"):
        metrics = run(spec, out, resume=resume, device=device)
    if as_json:
        print_json(metrics)
    else:
        print_scores(metrics)
        print(f"run directory: {out}")


@command("python -m emtm evaluate runs/student --protocol index")
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    protocol: Annotated[
        Protocol, typer.Option(help="timestamp: annotated seconds; index: truth rounded to the model's clips.")
    ] = "timestamp",
    device: DeviceOption = "cpu",
    table: Annotated[bool, typer.Option("--table", help="Print a table instead of JSON.")] = False,
) -> None:
    """Score a trained model; prints JSON."""
    from emtm.metrics.published import published_beside
    from emtm.training.evaluation import evaluate_run

    check_device(device)
    compute()
    with progress("queries") as advance:
        result = evaluate_run(run, split, protocol, device=device, progress=advance)
    if table:
        print_scores(result.to_json())
    else:
        others = [entry.to_json() for entry in published_beside(result.dataset, result.official)]
        print_json({**result.to_json(), "published": others})


@command("python -m emtm predict runs/student --video clip.mp4 --query 'a person opens the door'")
def predict(
    run: Annotated[Path, typer.Argument(help="Run directory, or an .onnx file of `python -m emtm export`.")],
    video: Annotated[
        Path,
        typer.Option(
            help="A video file, or feature rows of one video: .npy or .npz, [rows, dim]; - is standard input."
        ),
    ],
    query: Annotated[list[str], typer.Option(help="Sentence to ground; may be given several times.")],
    duration: Annotated[
        float | None, typer.Option(help="Length of the video in seconds; for feature rows alone.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Moments a query.")] = 5,
    stream: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Take rows as they arrive, and answer so often in the video."),
    ] = None,
    row_s: Annotated[float | None, typer.Option(help="Seconds of video that a feature row of a stream lasts.")] = None,
) -> None:
    """Ground sentences in one video; prints JSON with [start s, end s, score].

    A video file needs the extra `video`, and a run that was trained on features of `extract`. An .onnx file takes
    feature rows, and needs no torch. With --stream the video may go on for ever: a feature row is a JSON list in a
    line of standard input, and an answer is one line of JSON.
    """
    if stream is not None:
        _follow(run, video, query, duration, top_k, stream, row_s)
        return
    if row_s is not None or str(video) == "-":
        raise UserError("--row-s and --video - are for --stream")
    if run.suffix == ".onnx":
        from emtm.deploy.predicting import ground_file

        print_json(ground_file(run, video, query, duration, top_k))
        return
    from emtm.cli.video import frame_bar
    from emtm.data.video import VIDEO_SUFFIXES
    from emtm.training.inference import ground_queries, ground_video

    if video.suffix.lower() not in VIDEO_SUFFIXES:
        if duration is None:
            raise UserError("feature rows do not say how long their video is: give --duration")
        print_json(ground_queries(run, video, query, duration, top_k))
        return
    if duration is not None:
        raise UserError("--duration is for feature rows: the length of a video is in its file")
    with frame_bar() as advance:
        found = ground_video(run, video, query, top_k, partial(advance, video.name))
    print_json(found)


def _follow(
    run: Path, video: Path, query: list[str], duration: float | None, top_k: int, every_s: float, row_s: float | None
) -> None:
    from emtm.data.video import VIDEO_SUFFIXES
    from emtm.deploy.streaming import answers, open_stream

    if run.suffix == ".onnx" or video.suffix.lower() in VIDEO_SUFFIXES:
        raise UserError("--stream takes a run directory and feature rows")
    if row_s is None or duration is not None:
        raise UserError("a stream has no --duration yet: give --row-s, the seconds that a feature row lasts")
    stream, rows = open_stream(run, video, sys.stdin, row_s)
    for answer in answers(stream, rows, query, every_s, top_k):
        print(json.dumps(answer, ensure_ascii=False, allow_nan=False), flush=True)
