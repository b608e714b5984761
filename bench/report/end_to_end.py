"""What the published comparisons leave out: decoding a video and extracting its features."""

from __future__ import annotations

import pandas as pd

from bench.report.cells import Cell, Table, empty, measured, text
from bench.report.frame import Row, number, reason
from bench.report.quantity import digits, plural, si
from bench.report.tables import measured_cases, model_label, timed

_STAGES = {"decode": "Decode", "extract": "Extract features", "encode": "Encode video", "ground": "Ground query"}


def end_to_end_tables(cases: pd.DataFrame) -> list[Table]:
    """One table a video: seconds of each stage from file to moments, and multiply-adds; absent where not run."""
    groups: dict[str, list[Row]] = {}
    for row in measured_cases(cases, "end_to_end"):
        groups.setdefault(_video(row), []).append(row)
    return [_table(video, rows) for video, rows in groups.items()]


def _table(video: str, rows: list[Row]) -> Table:
    return Table(
        title=f"From a video file to moments: {video}",
        caption=_caption(rows[0]),
        headers=(
            *("Model", "Threads", *(f"{title} p50" for title in _STAGES.values()), "Whole p50 [99 % CI]"),
            *("Before the model", "Video seconds a second", "Decode and extract, per video minute"),
            *("Backbone MACs", "Model MACs", "Backbone / model"),
        ),
        rows=tuple(_row(row, rows) for row in rows),
    )


def _row(row: Row, among: list[Row]) -> tuple[Cell, ...]:
    return (
        text(model_label(row, among)),
        measured(row, "execution.threads", si),
        *(measured(row, f"end_to_end.stages.{stage}.median", lambda value: si(value, "s")) for stage in _STAGES),
        timed(row, "end_to_end.total.median", "end_to_end.total.median_ci99"),
        _share(row),
        measured(row, "end_to_end.video_s_per_s", digits),
        measured(row, "end_to_end.features_s_per_video_minute", lambda value: si(value, "s")),
        measured(row, "backbone.macs", si),
        measured(row, "compute.macs", si),
        _ratio(row),
    )


def _share(row: Row) -> Cell:
    """Part of the whole that is over before the grounding model sees anything."""
    parts = [number(row, f"end_to_end.stages.{stage}.median") for stage in _STAGES]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return empty(reason(row, "end_to_end.total.median"))
    share = 100 * sum(known[:2]) / sum(known)
    return Cell(f"{share:.1f} %", share)


def _ratio(row: Row) -> Cell:
    backbone, model = number(row, "backbone.macs"), number(row, "compute.macs")
    if backbone is None or not model:
        return empty(reason(row, "backbone.macs"))
    return Cell(f"{digits(backbone / model)} ×", backbone / model)


def _video(row: Row) -> str:
    size = f"{number(row, 'workload.video.width'):.0f} × {number(row, 'workload.video.height'):.0f}"
    length, fps = number(row, "workload.video.duration_s"), number(row, "workload.video.fps")
    return f"{length:.0f} s, {size}, {fps:.0f} frames a second"


def _caption(row: Row) -> str:
    frames, looked = number(row, "backbone.frames"), number(row, "backbone.frames_per_s_of_video")
    described = (
        f"Generated video{_coded(row)}. {row.get('backbone.name')} looks at {looked:g} frames of each second, "
        f"{plural(frames or 0, 'frame')} in all; the model grounds one query in "
        f"{number(row, 'workload.num_clips'):.0f} rows, at the sizes of {row.get('workload.dataset')}."
    )
    return (
        f"{described} Published comparisons begin where the first two stages end. Those two grow with the video's "
        "length, and are paid once a video however many queries follow. This backbone is a small image network: the "
        "features that published models take come from larger ones (I3D, C3D, CLIP), which cost more."
    )


def _coded(row: Row) -> str:
    codec, rate = row.get("end_to_end.codec"), number(row, "workload.video.bits_per_s")
    return f" ({codec}, {si(rate or 0, 'bit/s')})" if codec else ""
