from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from baselines.moment_detr import DecoderLayer
from emtm.layers.masking import key_bias
from emtm.parity.checking import check_fixture
from emtm.parity.fixture import read_fixture
from tests.layers.detr.helpers import DIM, HEADS, HIDDEN, MASK, load_attention, randomised
from tests.shared import SHARED, needs_shared

from .helpers import ragged_batch
from .test_detr_family import small_detr

FIXTURES = sorted((SHARED / "fixtures").glob("moment_detr_*.npz"))


@needs_shared
@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: p.stem)
def test_the_published_code_agrees(path: Path) -> None:
    rows = check_fixture(path)
    assert {"pred_spans", "pred_logits", "pred_xx", "saliency_scores", "match_src", "loss_giou", "aux0_spans"} <= {
        row.output for row in rows
    }
    assert [row for row in rows if not row.ok] == []


@needs_shared
@pytest.mark.parametrize(
    "weight", ["transformer.encoder.layers.1.self_attn.in_proj_bias", "input_vid_proj.1.net.1.bias"]
)
def test_a_wrong_weight_is_noticed(weight: str, tmp_path: Path) -> None:
    arrays = dict(read_fixture(FIXTURES[0]).arrays)
    changed = arrays[f"param::{weight}"].copy()
    changed[-1] += 1e-2
    np.savez(tmp_path / "spoiled.npz", **{**arrays, f"param::{weight}": changed})
    failed = {row.output for row in check_fixture(tmp_path / "spoiled.npz") if not row.ok}
    assert {"pred_spans", "pred_logits (default)"} <= failed


def test_official_runs_heads_of_every_layer_and_saliency() -> None:
    model, batch = small_detr("moment-detr", official=True), ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        output = model(batch)
    assert len(output.spans) == 2
    assert output.saliency is not None
    assert output.saliency.shape == (2, 20)


def test_official_and_default_predict_alike() -> None:
    official, default = small_detr("moment-detr", official=True), small_detr("moment-detr")
    default.load_state_dict({k: v for k, v in official.state_dict().items() if k in default.state_dict()})
    batch = ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        torch.testing.assert_close(official(batch).spans[-1:], default(batch).spans)


def test_target_is_the_moment_in_seconds_not_its_clips() -> None:
    """A prediction of just the annotated seconds leaves no span loss, whatever the grid is."""
    model, batch = small_detr("moment-detr"), ragged_batch([20, 10], [9, 3])
    moment_s = torch.tensor([[3.3, 8.7], [1.1, 4.9]])
    batch = replace(batch, targets=replace(batch.truth(), moment_s=moment_s))
    moment = moment_s / batch.duration_s[:, None]
    exact = torch.stack([moment.mean(1), moment[:, 1] - moment[:, 0]], 1)
    with torch.no_grad():
        output = model(batch)
        output = replace(output, spans=torch.cat([exact[None, :, None], output.spans[:, :, 1:]], 2))
        terms = model.loss(output, batch).terms
    assert terms["span"].item() == pytest.approx(0.0, abs=1e-6)
    assert terms["giou"].item() == pytest.approx(0.0, abs=1e-5)


def test_decoder_layer_is_torchs() -> None:
    ours = randomised(DecoderLayer(DIM, HEADS, HIDDEN, 0.0))
    reference = nn.TransformerDecoderLayer(DIM, HEADS, HIDDEN, 0.0, batch_first=True).eval()
    load_attention(reference.self_attn, ours.self_attention)
    load_attention(reference.multihead_attn, ours.cross_attention)
    reference.linear1.load_state_dict(ours.feed_forward[0].state_dict())
    reference.linear2.load_state_dict(ours.feed_forward[3].state_dict())
    for index in (1, 2, 3):
        getattr(reference, f"norm{index}").load_state_dict(getattr(ours, f"norm_{index}").state_dict())
    x, memory = torch.randn(2, 3, DIM), torch.randn(2, 6, DIM)
    found = ours(x, torch.zeros_like(x), memory, memory, key_bias(MASK))
    expected = reference(x, memory, memory_key_padding_mask=~MASK)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
