"""What a video of 4,096 clips asks for: memory that grows with its length, and the answer of the whole maps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from bench.instruments.memory import activation_peak_bytes
from bench.subjects import Shape, build_model, make_batch
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.layers import attention
from emtm.layers.span import decoding
from emtm.registry import preset

MEBI = 1 << 20


def student(clips: int) -> tuple[AnyModel, Batch]:
    """The student at Charades sizes, with a longer video."""
    config = replace(preset("emtm-student", "charades-sta").config, max_clips=clips)
    shape = Shape(clips, 10, 10, 50, 40)
    return build_model("emtm-student", config, shape), make_batch(shape, config.feature_dim, 1)


@pytest.mark.parametrize("top_k", [1, 5])
def test_the_student_fits_4096_clips_in_40_mebibytes(top_k: int) -> None:
    model, batch = student(4096)
    with torch.inference_mode():
        peak = activation_peak_bytes(lambda: model.moments(model(batch), batch.duration_s, top_k))
    assert peak < 40 * MEBI


def test_a_long_video_gets_the_answer_of_the_whole_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    model, batch = student(700)
    with torch.inference_mode():
        output = model(batch)
        found, moments = model.span_distribution(output), model.moments(output, batch.duration_s, 5)
        monkeypatch.setattr(attention, "_CHUNK", 1 << 40)
        monkeypatch.setattr(decoding, "_SMALL_MAP", 1 << 40)
        output = model(batch)
        assert (model.span_distribution(output) - found).abs().max() < 1e-7
        torch.testing.assert_close(model.moments(output, batch.duration_s, 5), moments, rtol=0.0, atol=1e-6)
