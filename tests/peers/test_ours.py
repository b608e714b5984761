"""Our side of a comparison, asked in this process: it answers as the model with the weights that it was given."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.backends.eager import infer, whole
from bench.peers.contests import Contest, own_rows
from bench.peers.inputs import batches, sizes, write_inputs
from bench.peers.workers import ours
from bench.subjects import TEACHERS, build_model
from emtm.contract import AnyModel
from emtm.layers.span.model import span_targets
from emtm.registry import preset
from emtm.training.loop import optimize
from emtm.training.optimizer import build_optimizer

ONE = Contest("emtm-student", "charades-sta", "infer", 1)
TRAIN = Contest("emtm-student", "charades-sta", "train", 16)
EMTM = Contest("emtm", "charades-sta", "train", 16)
RATE = 1e-3


def other_weights(contest: Contest, **changes: Any) -> AnyModel:
    """A model of the contest whose weights are not those that it begins with."""
    model = build_model(contest.model, replace(contest.config(**changes), dropout=0.0), contest.shape)
    model.prepare_training(TEACHERS if model.taught and contest.kind == "train" else 0)
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model


def asked(contest: Contest, model: AnyModel, folder: Path, row: str) -> tuple[ours.Ours, dict[str, Any]]:
    weights = folder / "weights.npz"
    np.savez(weights, **{name: value.numpy() for name, value in model.state_dict().items()})
    side = ours.worker()
    side.make({"weights": str(weights), "model": contest.model})
    return side, {"contest": asdict(contest), "row": row, "rate": RATE}


@pytest.mark.parametrize("row", [row.name for row in own_rows(ONE)])
def test_queries_are_grounded_by_the_weights_given(row: str, tmp_path: Path) -> None:
    model = other_weights(ONE)
    side, question = asked(ONE, model, tmp_path, row)
    found = side.answer(question)
    with torch.inference_mode():
        best = torch.cat([infer(model, batch)[:, 0] for batch in batches(ONE)]).numpy()
    seconds = (found["clips"] + [0, 1]) / 64 * 30
    np.testing.assert_allclose(seconds, best[:, :2], rtol=1e-5)
    np.testing.assert_allclose(found["score"], best[:, 2], rtol=1e-4)
    if "span" in found:
        expected = torch.cat([whole(model, batch) for batch in batches(ONE)])
        np.testing.assert_allclose(found["span"], expected, atol=1e-6)
    else:
        assert row == "onnxruntime, cached video"
    call = side.open(question)
    answers = np.concatenate([np.asarray(call())[:, 0] for _ in range(ONE.pool + 1)])
    np.testing.assert_allclose(answers, np.concatenate([best, best[:1]]), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contest", "row", "changes"), [(TRAIN, "eager", {}), (EMTM, "eager, published", {"published": True})]
)
def test_a_step_is_that_of_the_training_loop(
    contest: Contest, row: str, changes: dict[str, Any], tmp_path: Path
) -> None:
    model = other_weights(contest, **changes)
    side, question = asked(contest, model, tmp_path, row)
    found = side.answer(question)
    model.train()
    batch, recipe = batches(contest)[0], preset(contest.model, contest.dataset).recipe
    loss = model.loss(model(batch), batch).total
    optimize(model, build_optimizer(model, recipe), loss, RATE, recipe.clip_norm)
    assert found["loss"] == pytest.approx(float(loss.detach()), rel=1e-6)
    for name, value in model.state_dict().items():
        np.testing.assert_allclose(found[f"after/{name}"], value.numpy(), atol=1e-2 * RATE)
    side.open(question)()


def test_files_hold_what_batches_hold(tmp_path: Path) -> None:
    write_inputs(TRAIN, tmp_path / "inputs.npz")
    arrays, made = np.load(tmp_path / "inputs.npz"), batches(TRAIN)
    assert arrays["video"].shape == (TRAIN.pool, 16, 64, 1024) and arrays["clips"].tolist() == [[64] * 16] * TRAIN.pool
    for i, batch in enumerate(made):
        assert np.array_equal(arrays["video"][i], batch.video) and np.array_equal(arrays["word_ids"][i], batch.word_ids)
        assert np.array_equal(arrays["char_ids"][i], batch.char_ids)
        (start, end), classes = span_targets(batch, 2)
        for name, expected in (("start", start), ("end", end), ("classes", classes)):
            assert np.array_equal(arrays[name][i], expected)
        assert np.array_equal(arrays["teachers"][i], batch.truth().soft_labels)
    assert not np.array_equal(arrays["video"][0], arrays["video"][1])


def test_the_peer_is_told_the_papers_sizes() -> None:
    assert sizes(EMTM) == {
        "max_clips": 64,
        "feature_dim": 1024,
        "dim": 128,
        "heads": 8,
        "word_dim": 300,
        "char_dim": 100,
        "dropout": 0.4,
        "match_weight": 1.0,
        "num_words": 1277,
        "num_chars": 36,
        "clip_norm": 1.0,
        "soft_weight": 0.1,
        "temperature": 1.0,
    }
    tacos = sizes(Contest("emtm-student", "tacos", "infer", 64))
    assert (tacos["max_clips"], tacos["char_dim"], tacos["dropout"], tacos["num_chars"]) == (256, 50, 0.2, 45)
