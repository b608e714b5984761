"""A run that tests of bad input damage, and features to ask it about."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from emtm.training import runs
from emtm.training.checkpoint import save
from emtm.training.history import Epoch
from emtm.training.manifest import MANIFEST
from emtm.training.parallel import join
from emtm.training.setup import set_up
from emtm.training.spec import FORMAT, DataSource, plan

EPOCH: Epoch = {"epoch": 0, "loss": {"total": 1.0}, "val": {"r1": {"0.5": 1.0}, "miou": 1.0}, "seconds": 1.0}


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run after its last epoch, before it was scored: what `train` leaves when it is cut off there."""
    out = tmp_path_factory.mktemp("bad-input") / "run"
    spec = plan("emtm-student", DataSource("smoke"), None, ["epochs=1"], 0)
    with join("cpu") as world:
        setup = set_up(spec, out, world)
        runs.create(out, spec, setup.dataset, setup.vocabulary, setup.teachers)
        for weight in setup.model.parameters():
            weight.grad = torch.zeros_like(weight) if weight.requires_grad else None
        setup.optimizer.step()
        save(setup, [EPOCH], best=True)
    # As runs were before they had a manifest, which would refuse all damage before anybody reads the file.
    (out / MANIFEST).unlink()
    file = out / runs.RUN
    file.write_text(file.read_text("utf-8").replace(FORMAT, "emtm-run/1"), "utf-8")
    return out


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture
def rows(made: Path, tmp_path: Path) -> Path:
    """Features of one video."""
    np.save(tmp_path / "video.npy", np.ones((8, runs.read_spec(made).config.feature_dim), np.float32))
    return tmp_path / "video.npy"
