"""From a video file to moments, timed stage by stage: what comparisons of grounding models leave out.

==========  =====================================================================
``decode``   time stamps read, every picture decoded, those looked at scaled
``extract``  the backbone on the pictures looked at, its features pooled to rows
``encode``   the grounding model's video encoding
``ground``   the query's encoding, fusion, moments
==========  =====================================================================
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import torch

from bench import budget, stats
from bench.cases import VIDEO_SAMPLING, Case
from bench.instruments.flops import count
from bench.instruments.latency import CLOCK
from bench.instruments.noise import NoiseWindow
from bench.instruments.reference import GemmFloor, floor_ratio
from bench.profiles import Profile
from bench.results import explained
from bench.sample_video import SampleVideo
from bench.subjects import make_batch
from emtm.data.features import resample
from emtm.data.video.backbone import NAME, Backbone
from emtm.data.video.decoding import timeline
from emtm.data.video.extraction import picture_batches, pool_frames
from emtm.data.video.network import SIZE_PX, EfficientNetLite0
from emtm.registry import AnyModel
from emtm.training.evaluation import resampling_of

Block = dict[str, Any]

STAGES = ("decode", "extract", "encode", "ground")
_FLOOR_SAMPLES = 4
_WARMUP = 1


def backbone_block(video: SampleVideo) -> Block:
    """`backbone`: parameters, and multiply-adds for all frames of the video that are looked at.

    Counted on shapes alone, so that it is known where no video can be read.
    """
    with torch.device("meta"):
        network = EfficientNetLite0().eval()
        frame = torch.zeros(1, 3, SIZE_PX, SIZE_PX)
    macs = count(network, lambda tracker: network(frame)).macs
    frames = len(VIDEO_SAMPLING.times_s(video.duration_s))
    used = [p.numel() for name, p in network.named_parameters() if not name.startswith("classifier.")]
    return {
        "name": NAME,
        "params": sum(used),
        "macs_per_frame": macs,
        "frames": frames,
        "macs": macs * frames,
        "frames_per_s_of_video": VIDEO_SAMPLING.fps,
    }


class EndToEndMeasurement:
    """Passes from the generated file to the moments of one query; each call is one pass."""

    def __init__(self, case: Case, model: AnyModel) -> None:
        assert case.video is not None
        self._case, self._model, self._video = case, model, case.video
        self._backbone = Backbone(case.device.name)
        self._batch = make_batch(case.shape, case.config.feature_dim, 1).to(case.device.name)
        self._path, self._file = _generated(case.video)
        self._floor = GemmFloor(case.device)
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
        last = self._case.device.now_ns()

        def book(stage: str) -> None:
            nonlocal last
            now = self._case.device.now_ns()
            spent[stage] += (now - last) * 1e-9
            last = now

        found = []
        batches = picture_batches(self._path, VIDEO_SAMPLING, timeline(self._path))
        for pictures in batches:
            book("decode")
            found.append(self._backbone.features(pictures))
            book("extract")
        book("decode")
        rows = pool_frames(torch.cat(found), VIDEO_SAMPLING)
        book("extract")
        config, batch = self._case.config, self._batch
        with torch.inference_mode():
            clips = torch.from_numpy(resample(rows, config.max_clips, resampling_of(config)))
            encoded = self._model.encode_video(clips.unsqueeze(0).to(batch.video.device), batch.video_mask)
            book("encode")
            query = self._model.encode_query(batch.word_ids, batch.char_ids)
            self._model.moments(self._model.ground(encoded, query), batch.duration_s)
            book("ground")
        for stage, seconds in spent.items():
            self._samples[stage].append(seconds)

    def rounds(self, pass_s: float, profile: Profile) -> int:
        """Timed passes; raises TooDearError when none fits the profile."""
        return budget.video_rounds(pass_s, profile)

    def blocks(self, macs: int) -> Block:
        """`end_to_end`, `reference` and `noise` of the passes so far; `macs` are backbone's and model's."""
        total = [sum(parts) for parts in zip(*self._samples.values(), strict=True)]
        median = stats.summarise(total).median
        stages = {stage: _stage(samples, median) for stage, samples in self._samples.items()}
        features_s = stages["decode"]["median"] + stages["extract"]["median"]
        ratio = floor_ratio(total, self._floor, macs, self._case.threads)
        block = {
            "unit": "s",
            "clock": CLOCK,
            "warmup": _WARMUP,
            "n": len(total),
            "stages": stages,
            "total": _stage(total, median),
            "samples": {**self._samples, "total": total},
            "video_s_per_s": self._video.duration_s / median,
            "features_s_per_video_minute": 60 * features_s / self._video.duration_s,
            **self._file,
        }
        few = f"n={len(total)} < {stats.fewest_for_interval()} passes for a 99 % interval"
        return {
            "end_to_end": explained(block, few),
            "reference": explained(asdict(ratio), few),
            "noise": explained(asdict(self._noise.close(ratio.drift)), "the kernel does not report it"),
        }


def _stage(samples: list[float], total_s: float) -> Block:
    summary = stats.summarise(samples)
    # The medians of the stages need not add up to the median of the whole.
    share = min(100.0, 100 * summary.median / total_s)
    return {"median": summary.median, "median_ci99": summary.median_ci99, "share_pct": share}


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Removed when the process ends."""
    return tempfile.TemporaryDirectory(prefix="emtm-bench-")


@cache
def _generated(video: SampleVideo) -> tuple[Path, Block]:
    """The file of a video, made once a session, and what is known of it."""
    path = Path(_folder().name) / f"{video.width}x{video.height}-{video.duration_s}s.mp4"
    return path, video.write(path)
