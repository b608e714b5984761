"""When training ends: early, by patience, and not at all when the loss is not finite."""

import json
from pathlib import Path

import pytest

from emtm.errors import UserError
from emtm.training import runs
from emtm.training.history import Epoch, best_epoch, history_text, read_history
from emtm.training.loop import train
from emtm.training.spec import DataSource, RunSpec, plan

TINY = ["dim=16", "char_dim=4", "batch_size=128"]


def still(patience: int, epochs: int) -> RunSpec:
    """A student that does not learn, so that its first epoch stays the best one."""
    settings = [*TINY, f"epochs={epochs}", f"patience={patience}", "learning_rate=0", "warmup_learning_rate=0"]
    return plan("emtm-student", DataSource("smoke"), None, settings, 0)


def lines(*mious: float) -> list[Epoch]:
    return [
        {"epoch": i, "loss": {"total": 1.0}, "val": {"r1": {"0.5": 0.0}, "miou": miou}, "seconds": 0.1}
        for i, miou in enumerate(mious)
    ]


def test_the_best_epoch_is_the_first_of_the_highest() -> None:
    assert best_epoch([]) == -1
    assert best_epoch(lines(0.0)) == 0
    assert best_epoch(lines(3.0, 7.5, 7.5, 2.0)) == 1


def test_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_history(tmp_path / "nowhere") == []
    (tmp_path / runs.HISTORY).write_text(history_text(lines(1.5, 0.1)))
    assert read_history(tmp_path) == lines(1.5, 0.1)


def test_patience_ends_training_and_holds_for_a_run_cut_off_before_its_test(tmp_path: Path) -> None:
    out = tmp_path / "run"
    metrics = train(still(patience=2, epochs=9), out, quiet=True)
    # Two epochs without a better one after the first.
    assert (metrics["training"]["epochs"], metrics["training"]["best_epoch"]) == (3, 0)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.name != "metrics.json"}
    (out / "metrics.json").unlink()
    again = train(still(patience=2, epochs=9), out, resume=True, quiet=True)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.name != "metrics.json"} == before
    assert again == metrics == json.loads((out / "metrics.json").read_text())


def test_a_loss_that_is_not_finite_leaves_nothing(tmp_path: Path) -> None:
    settings = [*TINY, "epochs=2", "optimizer=adam", "learning_rate=1e30", "warmup_epochs=0"]
    spec = plan("emtm-student", DataSource("smoke"), None, settings, 0)
    with pytest.raises(UserError, match="not finite in epoch 0"):
        train(spec, tmp_path / "run", quiet=True)
    assert list(tmp_path.iterdir()) == []
