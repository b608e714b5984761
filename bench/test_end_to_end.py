"""From a video file to moments: decoding and feature extraction, which comparisons leave out, beside the model."""

from __future__ import annotations

from bench.cases import Case
from bench.end_to_end import EndToEndMeasurement, backbone_block
from bench.fixtures import Benchmark, Recording
from bench.instruments.device import threads
from bench.instruments.noise import quiet_gc
from bench.lab import Lab, UnavailableError
from emtm.data.video import unavailable


def test_end_to_end(lab: Lab, video_case: Case, recording: Recording, benchmark: Benchmark) -> None:
    case = video_case
    with recording(case, "end to end"), threads(case.threads):
        assert case.video is not None
        counts, backbone = lab.static(case), backbone_block(case.video)
        lab.add(case, counts.params, counts.compute, backbone)
        if reason := unavailable():
            raise UnavailableError(reason)
        measurement = EndToEndMeasurement(case, lab.model(case))
        rounds = measurement.rounds(measurement.warm_up(), lab.profile)
        with quiet_gc():
            benchmark.pedantic(measurement, setup=measurement.prepare, rounds=rounds)
        lab.add(case, *measurement.blocks(backbone.macs + counts.compute.macs))
