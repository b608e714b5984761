"""From a video file to moments, timed stage by stage: what comparisons of grounding models leave out.

==========  =====================================================================
``decode``   time stamps read, every picture decoded, those looked at scaled
``extract``  the backbone on the pictures looked at, its features pooled to rows
``encode``   the grounding model's video encoding
``ground``   the query's encoding, fusion, moments
==========  =====================================================================
"""

from __future__ import annotations

import atexit
import dataclasses
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import torch

from bench import budget, stats
from bench.cases import VIDEO_SAMPLING, Case
from bench.execution import Parts, UnavailableError, required
from bench.instruments.flops import count
from bench.instruments.latency import CLOCK
from bench.instruments.noise import NoiseWindow
from bench.instruments.reference import GemmFloor, floor_ratio
from bench.measure import Measure, Timing
from bench.missing import Block, or_missing
from bench.record import Backbone as BackboneCost
from bench.record import EndToEnd, Noise, PassStage, Reference
from bench.sample_video import SampleVideo, VideoFile
from bench.workbench import Workbench
from emtm.data.batch import Batch
from emtm.data.features import resample
from emtm.data.video import unavailable
from emtm.data.video.backbone import NAME, Backbone
from emtm.data.video.decoding import timeline
from emtm.data.video.extraction import picture_batches, pool_frames
from emtm.data.video.network import SIZE_PX, EfficientNetLite0
from emtm.temporary import scratch
from emtm.training.evaluation import resampling_of

STAGES = ("decode", "extract", "encode", "ground")
_FLOOR_SAMPLES = 4
_WARMUP = 1


def known(bench: Workbench, case: Case) -> tuple[Block, ...]:
    """Counts of the model and of the backbone: they need neither a video nor a clock."""
    assert case.video is not None
    counts = bench.static(case)
    return counts.params, counts.compute, backbone_block(case.video)


def start(bench: Workbench, case: Case) -> Timing:
    """Passes over the generated video, after one untimed."""
    assert case.video is not None
    if reason := unavailable():
        raise UnavailableError(reason)
    parts = required(bench.runner(case).parts)
    (batch,) = bench.batches(case, 1, 1)
    measurement = EndToEndMeasurement(case, case.video, parts, batch)
    rounds = budget.video_rounds(measurement.warm_up(), bench.profile)
    macs = backbone_block(case.video).macs + bench.static(case).compute.macs
    return Timing(measurement, lambda: measurement.blocks(macs), rounds, measurement.prepare, quiet=True)


@cache
def backbone_block(video: SampleVideo) -> BackboneCost:
    """Parameters, and multiply-adds for all frames of the video that are looked at.

    Counted on shapes alone, so that it is known where no video can be read.
    """
    with torch.device("meta"):
        network = EfficientNetLite0().eval()
        frame = torch.zeros(1, 3, SIZE_PX, SIZE_PX)
    macs = count(network, lambda tracker: network(frame)).macs
    frames = len(VIDEO_SAMPLING.times_s(video.duration_s))
    used = [p.numel() for name, p in network.named_parameters() if not name.startswith("classifier.")]
    return BackboneCost(
        name=NAME,
        params=sum(used),
        macs_per_frame=macs,
        frames=frames,
        macs=macs * frames,
        frames_per_s_of_video=VIDEO_SAMPLING.fps,
    )


class EndToEndMeasurement:
    """Passes from the generated file to the moments of one query; each call is one pass."""

    def __init__(self, case: Case, video: SampleVideo, parts: Parts, batch: Batch) -> None:
        self._config, self._execution = case.config, case.execution
        self._video, self._parts, self._batch = video, parts, batch
        self._backbone = Backbone(case.execution.device.name)
        self._file = _generated(video)
        self._floor = GemmFloor(case.execution.device)
        self._samples: dict[str, list[float]] = {stage: [] for stage in STAGES}
        self._noise = NoiseWindow()

    def warm_up(self) -> float:
        """One untimed pass; returns the seconds it took."""
        self()
        pass_s = sum(taken[0] for taken in self._samples.values())
        for taken in self._samples.values():
            taken.clear()
        self._noise = NoiseWindow()
        return pass_s

    def prepare(self) -> None:
        """Samples the GEMM floor, between two passes."""
        for _ in range(_FLOOR_SAMPLES):
            self._floor.sample()

    def __call__(self) -> None:
        """Runs one pass and books the time of each stage."""
        spent = dict.fromkeys(STAGES, 0.0)
        last = self._execution.device.now_ns()

        def book(stage: str) -> None:
            nonlocal last
            now = self._execution.device.now_ns()
            spent[stage] += (now - last) * 1e-9
            last = now

        found = []
        batches = picture_batches(self._file.path, VIDEO_SAMPLING, timeline(self._file.path))
        for pictures in batches:
            book("decode")
            found.append(self._backbone.features(pictures))
            book("extract")
        book("decode")
        rows = pool_frames(torch.cat(found), VIDEO_SAMPLING)
        book("extract")
        clips = torch.from_numpy(resample(rows, self._config.max_clips, resampling_of(self._config)))
        batch = dataclasses.replace(self._batch, video=clips.unsqueeze(0).to(self._batch.video))
        encoded = self._parts.encode_video(batch)
        book("encode")
        self._parts.ground(encoded, batch)
        book("ground")
        for stage, seconds in spent.items():
            self._samples[stage].append(seconds)

    def blocks(self, macs: int) -> tuple[EndToEnd, Reference, Noise]:
        """Of the passes so far; `macs` are backbone's and model's."""
        total = [sum(parts) for parts in zip(*self._samples.values(), strict=True)]
        median = stats.summarise(total).median
        stages = {stage: _stage(samples, median) for stage, samples in self._samples.items()}
        features_s = stages["decode"].median + stages["extract"].median
        passes = EndToEnd(
            clock=CLOCK,
            warmup=_WARMUP,
            n=len(total),
            stages=stages,
            total=_stage(total, median),
            samples={stage: tuple(samples) for stage, samples in {**self._samples, "total": total}.items()},
            video_s_per_s=self._video.duration_s / median,
            features_s_per_video_minute=60 * features_s / self._video.duration_s,
            codec=self._file.codec,
            bytes=self._file.bytes,
            sha256=self._file.sha256,
        )
        ratio = floor_ratio(total, self._floor, macs, self._execution.threads)
        return passes, ratio, self._noise.close(self._floor.drift)


def _stage(samples: list[float], total_s: float) -> PassStage:
    found = stats.summarise(samples)
    return PassStage(
        median=found.median,
        median_ci99=or_missing(found.median_ci99, stats.interval_reason(found.n, "passes")),
        # The medians of the stages need not add up to the median of the whole.
        share_pct=min(100.0, 100 * found.median / total_s),
    )


@cache
def _folder() -> Path:
    """Removed when the process ends, by itself or by whoever ended it."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(scratch("bench"))


@cache
def _generated(video: SampleVideo) -> VideoFile:
    """The file of a video, made once a session."""
    return video.write(_folder() / f"{video.width}x{video.height}-{video.duration_s}s.mp4")


END_TO_END = Measure("end to end", "end_to_end", (EndToEnd, Reference, Noise), start, known)
