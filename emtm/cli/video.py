"""Raw video to features: `extract`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from emtm.cli.app import DeviceOption, JsonFlag, ThreadsOption, check_device, command, compute, out_option
from emtm.cli.output import print_json, resumable
from emtm.errors import ExitCode, UserError
from emtm.processes import held


@command("python -m emtm extract videos/ --out features/")
def extract(
    videos: Annotated[list[Path], typer.Argument(help="Video files, or folders that are searched for them.")],
    out: Annotated[Path, out_option("Folder of the features; an unfinished one is gone on with.")],
    fps: Annotated[float, typer.Option(help="Frames looked at in a second of video.")] = 2.0,
    clip_s: Annotated[float, typer.Option(help="Seconds of video a feature row stands for.")] = 1.0,
    device: DeviceOption = "cpu",
    threads: ThreadsOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write features [rows, 1280] of videos with a packaged image backbone (extra `video`).

    The folder can be given to `train --features` (with --set feature_dim=1280); a model trained on it
    grounds raw video with `predict`. Videos that are done are passed over. A video that cannot be read
    is named and leaves the others; the exit code is then 2.
    """
    from emtm.data.video import Backbone, FeatureFolder, Sampling, find_videos, require
    from emtm.data.video import extract as features_of

    check_device(device)
    sampling, found = Sampling(fps, clip_s), find_videos(videos)
    require()
    compute(threads)
    FeatureFolder(out, sampling)  # Refused before a model is loaded.
    rows: list[dict[str, Any]] = []
    with resumable(out, "the same command goes on"), held(out), frame_bar() as advance:
        folder, backbone = FeatureFolder(out, sampling), Backbone(device)
        for place, video in enumerate(found, 1):
            label = f"{video.name} ({place} of {len(found)})"
            record = folder.find(video)
            if record is not None:
                rows.append({**record, "status": "present"})
                continue
            try:
                features = features_of(video, sampling, backbone, partial(advance, label))
            except UserError as error:
                rows.append({"video_id": video.stem, "file": video.name, "status": "failed", "reason": str(error)})
                continue
            rows.append({**folder.add(video, features), "status": "written"})
    _report(rows, out, sampling.origin(), as_json)


def _report(rows: list[dict[str, Any]], out: Path, origin: dict[str, Any], as_json: bool) -> None:
    failed = [row for row in rows if row["status"] == "failed"]
    if as_json:
        print_json({"out": str(out), "origin": origin, "videos": rows})
    else:
        written, present = ([row for row in rows if row["status"] == status] for status in ("written", "present"))
        if written or present:
            length = sum(row["rows"] for row in written)
            again = f"; {len(present)} were there already" if present else ""
            print(f"{len(written)} videos written to {out} ({length:,} rows of {origin['dim']:,}){again}")
    for row in failed:
        print(f"error: {row['reason']}", file=sys.stderr)
    if failed:
        raise typer.Exit(ExitCode.USAGE)


@contextmanager
def frame_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr that shows the frames of the video in hand; nothing where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=None)
        yield lambda label, done, total: bar.update(task, description=label, completed=done, total=total)
