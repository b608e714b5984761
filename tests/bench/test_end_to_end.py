"""From file to moments: the generated video, the backbone's count, the record of a case."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench import budget, results
from bench.cases import Case, Matrix, build_matrix
from bench.lab import Lab, LeftOutError
from bench.measures.end_to_end import END_TO_END, STAGES, backbone_block
from bench.missing import Missing, known, of
from bench.profiles import PROFILES
from bench.report.content.content import gather
from bench.report.document import build
from bench.report.sections.end_to_end import end_to_end_tables
from bench.report.sections.limits import limits
from bench.sample_video import SampleVideo
from emtm.data.video.decoding import pictures, timeline
from emtm.data.video.network import SIZE_PX
from tests.videos import needs_video

SHORT = SampleVideo(width=64, height=48, fps=10, duration_s=2)


def video_case(tmp_path: Path, profile: str = "smoke") -> Case:
    case, *others = build_matrix(tmp_path, PROFILES[profile]).of("end_to_end")
    assert [other.execution.device.name for other in others if other.label == case.label] in ([], ["cuda"])
    return case


def short(case: Case) -> Case:
    return dataclasses.replace(case, video=SHORT, shape=dataclasses.replace(case.shape, num_clips=2))


def test_the_matrix_starts_from_a_video_of_the_profile(tmp_path: Path) -> None:
    case = video_case(tmp_path)
    assert case.case_id == "emtm-student|charades-sta|end_to_end|cpu|fp32|eager|t1|b1|l10"
    assert case.config.feature_dim == 1280
    workload = case.record().workload
    assert (known(workload.includes) or ())[:2] == ("video_decode", "video_feature_extraction")
    assert workload.excludes == ()
    assert of(workload.video, lambda video: video.duration_s) == 10
    assert video_case(tmp_path, "full").case_id.endswith("l30")
    labels = {c.label for c in build_matrix(tmp_path, PROFILES["ci"]).of("end_to_end")}
    assert labels == {"emtm-student", "vslnet"}


def test_the_backbone_is_counted_as_by_hand() -> None:
    side, channels = SIZE_PX // 2, 32
    by_hand = 9 * 3 * channels * side**2
    for count, kernel, stride, expansion, outputs in (
        *((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80)),
        *((3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)),
    ):
        for place in range(count):
            inner = channels * expansion
            by_hand += channels * inner * side**2 if expansion > 1 else 0
            side //= 1 if place else stride
            by_hand += (kernel**2 * inner + inner * outputs) * side**2
            channels = outputs
    by_hand += channels * 1280 * side**2
    block = backbone_block(SHORT)
    assert block.macs_per_frame == by_hand == 383_907_552
    assert (block.frames, block.macs) == (4, 4 * by_hand)
    assert block.params == 4_652_008 - 1280 * 1000 - 1000


def test_rounds_fit_the_limit() -> None:
    smoke = PROFILES["smoke"]
    assert budget.video_rounds(0.5, smoke) == 3
    assert budget.video_rounds(2.5, smoke) == 2
    assert budget.video_rounds(15.0, smoke) == 1
    assert budget.video_rounds(0.01, smoke) == 8
    with pytest.raises(budget.TooDearError, match="passes over the video"):
        budget.video_rounds(21.0, smoke)
    assert budget.video_rounds(2.0, PROFILES["ci"]) == 4


@needs_video
def test_the_generated_video_is_the_same_every_time(tmp_path: Path) -> None:
    first, second = (SHORT.write(tmp_path / f"{name}.mp4") for name in "ab")
    assert (first.codec, first.bytes, first.sha256) == (second.codec, second.bytes, second.sha256)
    assert first.bytes == first.path.stat().st_size
    found = timeline(first.path)
    assert (found.duration_s, found.frames) == (2.0, 20)
    one, other = pictures(first.path, [0.0, 1.5], found.first_s, 48)
    assert abs(one.astype(int) - other).mean() > 10


@needs_video
def test_a_pass_books_every_stage_of_a_sound_record(tmp_path: Path) -> None:
    case = short(video_case(tmp_path))
    lab = Lab(Matrix((case,), ()), PROFILES["smoke"], tmp_path, ("pytest",))
    lab.measure(case, END_TO_END, lambda timing: dataclasses.replace(timing, rounds=2).run())
    counts, backbone = lab.bench.static(case), backbone_block(SHORT)
    path = lab.write(None)
    run = results.read_run(path)
    (record,) = run.cases
    assert not isinstance(record.end_to_end, Missing)
    passes, samples = record.end_to_end, record.end_to_end.samples
    assert tuple(passes.stages) == STAGES
    assert all(len(samples[stage]) == 2 for stage in (*STAGES, "total"))
    for k in range(2):
        assert samples["total"][k] == pytest.approx(sum(samples[stage][k] for stage in STAGES))
    assert passes.total.median_ci99 == Missing("n=2 < 8 passes for a 99 % interval")
    assert passes.video_s_per_s == pytest.approx(2 / passes.total.median)
    assert of(record.reference, lambda found: found.macs) == backbone.macs + counts.compute.macs
    assert record.backbone == backbone
    (table,) = end_to_end_tables(gather([run], ["run.json"]))
    assert table.title == "From a video file to moments: 2 s, 64 × 48, 10 frames a second"
    cells = dict(zip(table.headers, table.rows[0], strict=True))
    assert cells["Backbone MACs"].text == "1.54 G"
    assert 0 < float(cells["Before the model"].sort or 0) < 100
    report = build([run], ["run.json"])
    assert "What the published comparisons leave out" in [section.title for section in report.sections]


def test_without_the_extra_counts_stay_and_times_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = video_case(tmp_path)
    assert case.video is not None
    lab = Lab(Matrix((case,), ()), PROFILES["smoke"], tmp_path, ("pytest",))
    reason = "raw video needs av: pip install 'emtm-bench[video]'"
    monkeypatch.setattr("bench.measures.end_to_end.unavailable", lambda: reason)
    with pytest.raises(LeftOutError, match="raw video needs av"):
        lab.measure(case, END_TO_END)
    path = lab.write(None)
    run = results.read_run(path)
    (record,) = run.cases
    assert record.status == "ok"
    assert record.end_to_end == record.reference == record.noise == Missing(reason)
    assert lab.problems == []
    (table,) = end_to_end_tables(gather([run], ["run.json"]))
    cells = dict(zip(table.headers, table.rows[0], strict=True))
    assert (cells["Decode p50"].text, cells["Decode p50"].note) == ("—", reason)
    assert (cells["Before the model"].text, cells["Before the model"].note) == ("—", reason)
    assert cells["Backbone MACs"].text == "7.68 G"
    assert cells["Backbone / model"].sort is not None


def test_the_report_says_where_extraction_is(tmp_path: Path) -> None:
    cases = [c for c in build_matrix(tmp_path, PROFILES["smoke"]).cases if c.label == "emtm-student"]
    lab = Lab(Matrix(tuple(cases), ()), PROFILES["smoke"], tmp_path, ("pytest",))
    for case in cases:
        lab.record(case)
    sentence = next(s for s in limits(gather([lab.run()], ["run.json"])) if s.startswith("Extracting"))
    assert "but those of" in sentence
