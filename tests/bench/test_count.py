from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.count import app, count_model
from emtm.errors import UserError


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments)


def test_json_of_a_model_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "bench.count", "--model", "vslnet", "--clips", "32", "--words", "8"]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert set(found) == {"params", "compute"}
    assert {"total", "trainable", "frozen", "embedding", "buffers", "unreachable"} <= set(found["params"])
    compute = found["compute"]
    assert compute["flops"] == 2 * compute["macs"] == 2 * sum(s["macs"] for s in compute["by_stage"].values())
    lstm = 2 * 32 * 4 * 128 * 256
    assert compute["crosscheck"]["explained_macs"] == {"aten::lstm": lstm}
    products = compute["crosscheck"]["fvcore_macs"] - compute["crosscheck"]["fvcore_norm_flops"]
    assert products + lstm == compute["macs"]


FACTORY = """
from torch import nn, ones

def linear():
    return nn.Sequential(nn.Linear(3, 5)), (ones(2, 3),)

def lstm():
    return nn.LSTM(3, 5), (ones(4, 1, 3),)

def wrong_input():
    return nn.Linear(3, 5), (ones(2, 4),)

def nothing():
    return None

def broken():
    raise KeyError("no")

class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, x, *, mask, scale=1.0):
        return self.layer(x) * mask * scale

def keywords():
    return Masked(), (ones(2, 3),), {"mask": ones(2, 1), "scale": 2.0}

def keywords_alone():
    return Masked(), {"x": ones(2, 3), "mask": ones(2, 1)}

class Consuming(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 5)

    def forward(self, batch):
        return self.layer(batch.pop("x"))

def dictionary():
    return Consuming(), {"x": ones(2, 3)}

def wrong_keywords():
    return Masked(), (ones(2, 3),), [1]

def indices():
    class Indices(Consuming):
        def forward(self, x):
            return self.layer(x).argmax(1)
    return Indices(), (ones(2, 3),)
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "factories.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "factories", raising=False)


@pytest.mark.parametrize(
    ("name", "macs"),
    [("linear", 30), ("lstm", 4 * 20 * 8), ("keywords", 30), ("keywords_alone", 30), ("dictionary", 30)],
)
def test_any_module(name: str, macs: int, factories: None) -> None:
    done = run(f"factories:{name}", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["compute"]["macs"] == macs
    assert found["params"]["unreachable"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give either"),
        (("--model", "vslnt"), "did you mean 'vslnet'"),
        (("--model", "vslnet", "--dataset", "charade"), "did you mean 'charades-sta'"),
        (("--model", "vslnet", "--set", "predictor=none"), "predictor is one of"),
        (("--model", "vslnet", "--set", "x"), "not of the form key=value"),
        (("factories",), "not of the form MODULE:FACTORY"),
        (("factories:absent",), "has no 'absent'"),
        (("absent_module:x",), "cannot import"),
        (("factories:nothing",), "must return a module"),
        (("factories:broken",), "failed: KeyError"),
        (("factories:wrong_input",), "fails on its example inputs"),
        (("factories:wrong_keywords",), "by name as a dictionary"),
    ],
)
def test_mistakes_are_one_sentence(arguments: tuple[str, ...], message: str, factories: None) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_missing_says_why(factories: None) -> None:
    found = json.loads(run("factories:indices", "--json").stdout)
    assert (found["params"]["unreachable"], found["params"]["unreachable_reason"]) == (
        None,
        "no output carries a gradient",
    )
    assert found["compute"]["macs"] == 30


def test_every_difference_from_fvcore_is_printed(factories: None) -> None:
    text = run("factories:lstm").stdout
    assert "unseen by it: aten::lstm  640" in text
    assert "unexplained" not in text


def test_a_training_step_beside_the_inference(factories: None) -> None:
    found = json.loads(run("factories:linear", "--training", "--json").stdout)["training"]
    assert (found["forward_macs"], found["backward_macs"]) == (30, 30)
    assert "training step: forward" in run("factories:linear", "--training").stdout
    done = run("--model", "vslnet", "--clips", "16", "--words", "4", "--training", "--json")
    found = json.loads(done.stdout)
    assert found["training"]["backward_macs"] > found["training"]["forward_macs"] >= found["compute"]["macs"]
    assert found["training"]["coverage"]["ops_uncounted"] == []
    missing = json.loads(run("factories:indices", "--training", "--json").stdout)
    assert (missing["training"], missing["training_reason"]) == (None, "no output carries a gradient")


def test_help_has_an_example() -> None:
    done = run("--help")
    assert done.exit_code == 0
    assert "python -m bench.count" in done.stdout


def test_more_clips_enlarge_the_configuration() -> None:
    small = count_model("emtm-student", "charades-sta", None, None, None, [])
    large = count_model("emtm-student", "charades-sta", 128, None, None, [])
    assert large.compute.macs > small.compute.macs
    with pytest.raises(UserError):
        count_model("emtm-student", "charades-sta", None, None, None, ["nothing=1"])


def test_the_published_figures_of_vslnet() -> None:
    """0.7828 M parameters and 0.0300 G "FLOPs" at 61 clips, the LSTMs unseen."""
    found = count_model("vslnet", "charades-sta", 61, None, None, [])
    assert found.params.trainable == 782_721
    assert found.crosscheck.fvcore_macs == pytest.approx(30.0e6, rel=0.04)
    assert found.crosscheck.explained_by == ("aten::lstm",)
    assert found.crosscheck.unexplained_macs == 0


@pytest.mark.parametrize(
    ("dataset", "trainable"),
    [("charades-sta", 673_650), ("activitynet-captions", 684_766), ("tacos", 706_502)],
)
def test_the_published_size_of_the_student(dataset: str, trainable: int) -> None:
    assert count_model("emtm-student", dataset, None, None, None, []).params.trainable == trainable
