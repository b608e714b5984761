"""EAMAT: strided LSTMs against torch's own, tags, losses in closed form, and what `official` restores."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from baselines.eamat import EAMAT, EAMATConfig, StridedLSTM, alignment_loss, clip_loss, inside_labels
from emtm.data.text import Lexicon
from emtm.data.word_classes import NOUN, OTHER, PADDING, VERB
from emtm.parity.checking import check_fixture
from emtm.parity.fixture import read_fixture
from tests.shared import SHARED, needs_shared

from .helpers import SMALL, ragged_batch

CLIPS, WORDS = [20, 7, 13, 1], [9, 3, 6, 1]
LEXICON = Lexicon(torch.randn(30, 12, generator=torch.Generator().manual_seed(1)), 16)


def eamat(lexicon: Lexicon = LEXICON, **changes: Any) -> EAMAT:
    torch.manual_seed(0)
    model = EAMAT(EAMATConfig(**{**SMALL, "dropout": 0.0, **changes}), lexicon)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, std=0.3)
    return model.eval()


def worded() -> Lexicon:
    return replace(LEXICON, words=("person", "opens", "the", *(f"thing{i}" for i in range(27))))


def test_official_mode_leaks_padding_and_else_computes_the_same() -> None:
    model, official = eamat(), eamat(official=True)
    missing, unexpected = official.load_state_dict(model.state_dict(), strict=False)
    assert {name.split(".")[0] for name in missing} == {"inside", "entity_classes"}
    assert unexpected == []
    full, ragged = ragged_batch([16, 16], [6, 6]), ragged_batch([20, 7], [9, 3])
    with torch.no_grad():
        spans = [m.span_distribution(m(full)) for m in (model, official)]
        torch.testing.assert_close(*spans, atol=1e-6, rtol=1e-5)
        padded = [m.span_distribution(m(ragged)) for m in (model, official)]
    torch.testing.assert_close(padded[0][0], padded[1][0], atol=1e-6, rtol=1e-5)
    assert (padded[0][1] - padded[1][1]).abs().max() > 1e-4


@pytest.mark.parametrize("length", [2, 7, 12])
def test_strided_lstms_are_lstms_over_every_sth_position(length: int) -> None:
    torch.manual_seed(0)
    layer, x = StridedLSTM(8, 3), torch.randn(2, length, 8)
    normed = layer.norm(x)
    expected = torch.zeros(2, length, 24)
    for stride, ours in enumerate(layer.encoders, 1):
        theirs = nn.LSTM(8, 4, bidirectional=True, batch_first=True)
        halves = (("", ours.forwards), ("_reverse", ours.backwards))
        theirs.load_state_dict({f"{k}{end}": v for end, half in halves for k, v in half.state_dict().items()})
        used = length // stride * stride
        for phase in range(stride if used else 0):
            part = slice(phase, used, stride)
            expected[:, part, 8 * (stride - 1) : 8 * stride] = theirs(normed[:, part])[0]
    torch.testing.assert_close(layer(x, torch.ones(2, length, dtype=torch.bool)), layer.out(expected))


def test_tags_come_from_the_words_and_survive_a_checkpoint() -> None:
    model = eamat(worded())
    assert model.tags[:5].tolist() == [PADDING, OTHER, NOUN, VERB, OTHER]
    assert eamat().tags[:5].tolist() == [PADDING, OTHER, OTHER, OTHER, OTHER]
    reloaded = eamat()
    reloaded.load_state_dict(model.inference_state())
    assert torch.equal(reloaded.tags, model.tags)


def test_each_branch_is_told_its_own_words() -> None:
    """Entities: all but verbs; motion: all but nouns."""
    model = eamat()
    tags = torch.tensor([[NOUN, VERB, OTHER, PADDING]])
    query = model.encode_words(torch.randn(1, 4, 12), tags)
    entity = (query.entity - query.words).abs().sum(2)[0] > 0
    motion = (query.motion - query.words).abs().sum(2)[0] > 0
    assert entity.tolist() == [True, False, True, False]
    assert motion.tolist() == [False, True, True, False]
    assert query.mask.tolist() == [[True, True, True, False]]


def test_inside_labels() -> None:
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    start, end = torch.tensor([1, 2]), torch.tensor([3, 2])
    assert inside_labels(start, end, mask).tolist() == [[0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    assert inside_labels(start, end, mask, official=True).tolist() == [[0, 1, 1, 0, 0], [0, 0, 0, 0, 0]]


def test_clip_loss_doubles_positives_and_averages_each_sample_first() -> None:
    mask = torch.tensor([[True, True], [True, False]])
    labels = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    loss = clip_loss(torch.zeros(2, 2), labels, mask)
    assert float(loss) == pytest.approx(math.log(2) * (1.5 + 1.0) / 2, rel=1e-6)


def test_alignment_loss() -> None:
    one, other = torch.eye(2)
    words, word_mask = torch.stack([one, other]).unsqueeze(1), torch.ones(2, 1, dtype=torch.bool)
    inside = torch.ones(2, 1)
    assert float(alignment_loss(words, 3 * words, word_mask, inside)) == pytest.approx(0.0, abs=1e-7)
    # Queries unlike each other, moments alike: softmax of (1, 0) against (1/2, 1/2), in both rows.
    p = math.e / (1 + math.e)
    divergence = (p - 0.5) * math.log(p / 0.5) + (0.5 - p) * math.log((1 - p) / 0.5)
    alike = torch.stack([one, one]).unsqueeze(1)
    assert float(alignment_loss(words, alike, word_mask, inside)) == pytest.approx(divergence, rel=1e-5)
    padded, mask = torch.cat([words, words.flip(0)], 1), torch.tensor([[True, False]] * 2)
    assert float(alignment_loss(padded, words, mask, inside)) == pytest.approx(0.0, abs=1e-7)
    assert float(alignment_loss(padded, words, mask, inside, official=True)) > 0.1


def test_loss_reaches_every_parameter_and_the_inside_predictor_lives_in_training_alone() -> None:
    model, batch = eamat(), ragged_batch(CLIPS, WORDS)
    assert model.inside is None
    assert model(batch).inside_logits is None
    fresh = set(model.state_dict())
    model.train().prepare_training(0)
    losses = model.loss(model(batch), batch)
    losses.total.backward()
    assert losses.total.isfinite()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    assert set(losses.terms) == {"span", "foreground", "entity_alignment", "motion_alignment", "inside"}
    assert set(model.inference_state()) == fresh
    assert model.eval()(batch).inside_logits is None
    with pytest.raises(ValueError, match="no targets"):
        model.loss(model(batch), replace(batch, targets=None))


def test_characters_are_not_read() -> None:
    model, batch = eamat(), ragged_batch([5], [4])
    with torch.no_grad():
        assert torch.equal(model(batch).start_logits, model(replace(batch, char_ids=batch.char_ids * 0)).start_logits)


@needs_shared
def test_parity_with_and_without_learned_positions(tmp_path: Path) -> None:
    path = SHARED / "fixtures" / "eamat_A.npz"
    rows = check_fixture(path)
    assert len(rows) >= 15
    assert [row for row in rows if not row.ok] == []
    # Positions of zero change nothing, whatever the tables' lengths.
    arrays = dict(read_fixture(path).arrays)
    config = json.loads(str(arrays["config_json"]))
    for part, length in (("v", 500), ("q", 30)):
        key = f"param::{part}_pos_embedding.position_embeddings.weight"
        arrays[key] = np.zeros((length, config["dim"]), np.float32)
    arrays["config_json"] = np.array(json.dumps({**config, "pos": True}))
    np.savez(tmp_path / "positions.npz", **arrays)
    assert all(row.ok for row in check_fixture(tmp_path / "positions.npz"))
    arrays[key] += 1.0
    np.savez(tmp_path / "moved.npz", **arrays)
    assert not all(row.ok for row in check_fixture(tmp_path / "moved.npz"))
