"""Sentences grounded in one video's file, with the widths that the resampling rules ask for."""

from pathlib import Path

import numpy as np
import pytest
import torch

from emtm.data.text import Lexicon, Vocabulary
from emtm.errors import UserError
from emtm.registry import model_class, override, preset
from emtm.training import inference
from emtm.training.runs import Run
from emtm.training.spec import DataSource, RunSpec


@pytest.fixture
def placed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An untrained Moment-DETR whose clips are as wide as the stored rows and two columns for their place."""
    chosen = preset("moment-detr", "smoke", "compact")
    config = override(chosen.config, ["resampling=lighthouse", "feature_dim=10"])
    vocabulary = Vocabulary(("a", "cat"), ("a", "c", "t"))
    torch.manual_seed(0)
    words = Lexicon(torch.randn(2, config.word_dim), vocabulary.num_chars, vocabulary.words)
    model = model_class("moment-detr")(config, words).eval()
    spec = RunSpec("moment-detr", "compact", config, chosen.recipe, DataSource("smoke"), 0)
    monkeypatch.setattr(inference, "load_run", lambda path: Run(path, spec, vocabulary, model, "", ()))
    return tmp_path


def test_the_columns_of_a_rule_are_not_in_the_file(placed: Path) -> None:
    np.save(placed / "v.npy", np.random.default_rng(0).random((12, 8), np.float32))
    (answer,) = inference.ground_queries(placed, placed / "v.npy", ["a dog"], 24.0, top_k=2)["queries"]
    assert len(answer["moments"]) == 2
    assert all(0 <= start <= end <= 24 for start, end, _ in answer["moments"])
    assert answer["unknown_words"] == ["dog"]


def test_another_width_is_refused(placed: Path) -> None:
    np.save(placed / "v.npy", np.ones((12, 10), np.float32))
    with pytest.raises(UserError, match=r"v\.npy are 10 wide, the model takes 8"):
        inference.ground_queries(placed, placed / "v.npy", ["a cat"], 24.0)
