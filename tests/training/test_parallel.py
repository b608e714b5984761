"""Two gloo processes train as one does; bfloat16 training works."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from emtm.training.parallel import World

TINY = ["--set", "dim=16", "--set", "batch_size=128", "--set", "char_dim=4", "--threads", "1"]


def train(out: Path, *settings: str, processes: int = 1, model: str = "emtm-student") -> dict[str, object]:
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
    command = [sys.executable, *launcher, "-m", "emtm", "train", model, "--dataset", "smoke", "--out", str(out), *TINY]
    # Adam moves a weight by the learning rate, either way where its gradient is as small as rounding.
    for setting in ("epochs=2", "learning_rate=5e-4", "dropout=0", *settings):
        command += ["--set", setting]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    metrics: dict[str, object] = json.loads((out / "metrics.json").read_text())
    return metrics


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("alone") / "run"
    return out, train(out)


def test_two_processes_train_as_one(alone: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    out, metrics = alone
    together = train(tmp_path / "two", processes=2)
    assert together["training"]["processes"] == 2  # type: ignore[index]
    assert abs(together["miou"] - metrics["miou"]) < 0.5  # type: ignore[operator]
    first, second = (load_file(path / "last.safetensors") for path in (out, tmp_path / "two"))
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=2e-3, rtol=1e-2)


def test_bfloat16_training_learns_and_keeps_float32_weights(
    alone: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    metrics = train(tmp_path / "bf16", "precision=bf16")
    weights = load_file(tmp_path / "bf16" / "best.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert abs(metrics["miou"] - alone[1]["miou"]) < 5.0  # type: ignore[operator]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("count", [3, 7, 16])
def test_shares_are_disjoint_and_complete(size: int, count: int) -> None:
    shares = [World(rank, size).share(range(count)) for rank in range(size)]
    assert sorted(item for share in shares for item in share) == list(range(count))


def test_no_process_is_left_without_a_query() -> None:
    assert [World(rank, 3).share(["only"]) for rank in range(3)] == [["only"]] * 3
