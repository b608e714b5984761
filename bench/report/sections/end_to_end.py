"""What the published comparisons leave out: decoding a video and extracting its features."""

from __future__ import annotations

from bench.missing import Missing, known, of
from bench.record import CaseRecord
from bench.report.content.cases import Named, macs
from bench.report.content.content import Content
from bench.report.content.passes import BACKBONE, STAGES, Passes, share_before, share_of, stage_median
from bench.report.content.subject import of_case
from bench.report.quantity import digits, plural, si
from bench.report.sections.cells import Cell, Table, about, measured, timed
from bench.report.sections.section import Section

_TITLES = {"decode": "Decode", "extract": "Extract features", "encode": "Encode video", "ground": "Ground query"}


TITLE = "What the published comparisons leave out"


def section(content: Content) -> Section:
    """From a video file to moments."""
    return Section(key="end-to-end", title=TITLE, tables=tuple(end_to_end_tables(content)))


def end_to_end_tables(content: Content) -> list[Table]:
    """One table a video: seconds of each stage from file to moments, and multiply-adds; absent where not run."""
    return [_table(passes) for passes in content.passes]


def _table(passes: Passes) -> Table:
    return Table(
        title=f"From a video file to moments: {passes.video}",
        caption=_caption(passes.rows[0].case),
        headers=(
            *("Model", "Threads", "Whole p50 [99 % CI]", "Backbone, of the time", "Before the model"),
            *(f"{_TITLES[stage]} p50" for stage in STAGES),
            *("Video seconds a second", "Decode and extract, per video minute"),
            *("Backbone MACs", "Model MACs", "Backbone, of the MACs", "Backbone / model"),
        ),
        rows=tuple(map(_row, passes.rows)),
        timed=frozenset(
            {*(f"{_TITLES[stage]} p50" for stage in STAGES), "Whole p50 [99 % CI]", "Before the model"}
            | {"Backbone, of the time", "Video seconds a second", "Decode and extract, per video minute"}
        ),
    )


def _row(row: Named) -> tuple[Cell, ...]:
    case = row.case
    total = of(case.end_to_end, lambda block: block.total)
    return (
        about(of_case(row)),
        measured(case.execution.threads, si),
        timed(of(total, lambda stage: stage.median), of(total, lambda stage: stage.median_ci99)),
        measured(share_of(case, BACKBONE), _percent),
        measured(share_before(case), _percent),
        *(measured(stage_median(case, stage), _seconds) for stage in STAGES),
        measured(of(case.end_to_end, lambda block: block.video_s_per_s), digits),
        measured(of(case.end_to_end, lambda block: block.features_s_per_video_minute), _seconds),
        measured(_backbone_macs(case), si),
        measured(macs(case), si),
        measured(of(_ratio(case), lambda ratio: 100 * ratio / (1 + ratio)), _percent),
        measured(_ratio(case), lambda ratio: f"{digits(ratio)} ×"),
    )


def _percent(value: float) -> str:
    return f"{value:.1f} %"


def _seconds(value: float) -> str:
    return si(value, "s")


def _backbone_macs(case: CaseRecord) -> int | Missing:
    return of(case.backbone, lambda backbone: backbone.macs)


def _ratio(case: CaseRecord) -> float | Missing:
    backbone, model = _backbone_macs(case), known(macs(case))
    if isinstance(backbone, Missing):
        return backbone
    return backbone / model if model else Missing("the model's multiply-adds are not known")


def _caption(case: CaseRecord) -> str:
    return (
        f"Generated video{_coded(case)}.{_looked(case)} Decode: time stamps read, every picture decoded, those looked "
        "at scaled. Extract: the backbone on these, its features pooled to rows. Encode: the model on the rows. "
        "Ground: one query encoded, fused, its moments found. Published comparisons begin where the first two end. "
        "Those two grow with the video's length, and are paid once a video however many queries follow. This backbone "
        "is a small image network: the features that published models take come from larger ones (I3D, C3D, CLIP), "
        "which cost more."
    )


def _coded(case: CaseRecord) -> str:
    codec = known(of(case.end_to_end, lambda block: block.codec))
    rate = known(of(case.workload.video, lambda video: video.bits_per_s))
    return f" ({codec}, {si(rate or 0, 'bit/s')})" if codec else ""


def _looked(case: CaseRecord) -> str:
    backbone, rows = known(case.backbone), known(case.workload.num_clips)
    if backbone is None:
        return ""
    return (
        f" {backbone.name} looks at {backbone.frames_per_s_of_video:g} frames of each second, "
        f"{plural(backbone.frames, 'frame')} in all; the model grounds one query in {rows} rows, at the sizes of "
        f"{case.workload.dataset}."
    )
