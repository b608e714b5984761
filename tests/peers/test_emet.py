"""The published code's names against ours, its worker's refusals, and, where somebody has both, the code itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.missing import Missing, known
from bench.peers.contests import contests
from bench.peers.document import _case
from bench.peers.emet import EMET, state
from bench.peers.peer import check_checkout
from bench.peers.processes import Starting, starter
from bench.peers.session import Session
from bench.peers.workers import emet
from bench.subjects import build_model
from emtm.errors import UserError

CODE, PYTHON = os.environ.get("EMTM_EMET"), os.environ.get("EMTM_EMET_PYTHON")


@pytest.mark.parametrize(
    ("model", "wanted", "unwanted"),
    [
        ("emtm-student", ["q2v_attn/dense/kernel", "cq_cat/dense/bias", "label_emb", "matching_loss/dense/kernel"], 0),
        ("seqpan", ["d_attn_1/layer_norm_t/layer_norm_bias", "predictor/start_dense/kernel", "label_emb"], 0),
        (
            "emtm",
            ["studen_q2v_attn/dense/kernel", "t0_d_attn_0/dense_1/kernel", "student_label_emb", "ens_fc2/bias"],
            1,
        ),
    ],
)
def test_a_class_of_its_own_has_no_name_of_the_whole_graph(model: str, wanted: list[str], unwanted: int) -> None:
    """The names, whatever the shapes: each variable is read under the name that its class gives it."""
    asked: list[str] = []

    def get(name: str) -> Tensor:
        asked.append(name)
        return torch.zeros(*((1,) * (3 if name.startswith("ens_conv") else 4)))

    made = state(model, get)
    assert set(wanted) <= set(asked)
    assert any(name.startswith(("t0_", "studen", "match_loss")) for name in asked) == bool(unwanted)
    contest = contests(f"{model}| and charades")[0]
    whole = build_model(model, contest.config(published=True), contest.shape)
    whole.prepare_training(3 if model == "emtm" else 0)
    assert set(made) == set(whole.state_dict())


def test_a_checkout_is_that_of_the_commit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        check_checkout(EMET, tmp_path / "nowhere")
    with pytest.raises(
        UserError, match=r"is no checkout of renjie-liang/EMET at commit fc99f61: models/.* is not there"
    ):
        check_checkout(EMET, tmp_path)
    (tmp_path / "models").mkdir()
    for name in EMET.files:
        (tmp_path / name).write_text("import tensorflow\n", "ascii")
    with pytest.raises(UserError, match=r"models/BaseFast\.py is another one"):
        check_checkout(EMET, tmp_path)


def test_line_ends_are_no_difference(tmp_path: Path) -> None:
    import hashlib
    from dataclasses import replace

    peer = replace(EMET, files={"a.py": hashlib.sha256(b"one\ntwo\n").hexdigest()})
    (tmp_path / "a.py").write_bytes(b"one\r\ntwo\r\n")
    check_checkout(peer, tmp_path)


@pytest.mark.parametrize("version", ["2.16.1", "2.20.0", "3.0.0"])
def test_a_tensorflow_with_another_keras_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(__version__=version))
    with pytest.raises(ImportError, match=rf"TensorFlow {version} is too new for this code: 2.12 to 2.15 are wanted"):
        emet.Emet()


def test_drawn_weights_show_a_mapping_that_confuses_them() -> None:
    lot = np.random.default_rng(0)
    kernel = emet._value("video_conv1d/kernel", [1, 1024, 128], lot)
    assert float(kernel.std()) == pytest.approx((2 / (1024 + 128)) ** 0.5, rel=0.02)
    assert float(emet._value("q_layer_norm/layer_norm_scale", [1000], lot).mean()) == pytest.approx(1, abs=0.02)
    for name in ("video_conv1d/bias", "ens_conv0/batch_normalization/beta", "x/layer_norm_bias"):
        assert 0.08 < float(emet._value(name, [1, 1, 1000], lot).std()) < 0.12


@pytest.mark.slow
@pytest.mark.skipif(not (CODE and PYTHON), reason="EMTM_EMET and EMTM_EMET_PYTHON name no checkout and no python")
def test_the_published_code_answers_as_ours_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.peers.session.PAIRS", (2, 2))
    check_checkout(EMET, Path(CODE))
    chosen = contests("charades and (b1 or emtm|)")
    assert {contest.model for contest in chosen} == {"emtm-student", "seqpan", "emtm"}
    session = Session(EMET, chosen, starter(Starting(EMET, Path(CODE), Path(PYTHON), tmp_path)), tmp_path)
    for case in map(_case, session.run(1, 1.0).trials):
        assert {row.name: known(row.reason) for row in case.rows if not isinstance(row.reason, Missing)} == {}
