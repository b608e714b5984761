"""An exported file grounds as its run does, without torch, and refuses what does not fit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.deploy.grounder import ENCODE, GROUND, Grounder
from emtm.errors import UserError
from emtm.training.inference import ground_queries

SENTENCES = ["a person opens the red door", "they sit", "she walks quickly to the unheardofthing then leaves it"]
ALONE = """
import sys
class Only:
    # What a machine with numpy and onnxruntime has.
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {others}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Only())
import numpy as np
from emtm.deploy.grounder import Grounder
found = Grounder(sys.argv[1]).ground(np.load(sys.argv[2]), duration_s=30.0, sentences=["a person opens the door"])
print(found[0].tolist())
"""
OTHERS = ["torch", "pandas", "scipy", "h5py", "yaml", "typer", "rich", "platformdirs", "safetensors", "onnx", "av"]


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory, exported: Path) -> Path:
    path = tmp_path_factory.mktemp("features") / "video.npy"
    width = Grounder(exported).card.feature_width
    np.save(path, np.random.default_rng(0).normal(size=(90, width)).astype(np.float32))
    return path


@pytest.mark.parametrize("rows", [1, 7, 64, 90])
def test_moments_are_those_of_the_run(rows: int, exported: Path, student: Path, features: Path, tmp_path: Path) -> None:
    video = tmp_path / "part.npy"
    np.save(video, np.load(features)[:rows])
    expected = ground_queries(student, video, SENTENCES, 31.5, 3)["queries"]
    grounder = Grounder(exported)
    whole = grounder.ground(np.load(video), duration_s=31.5, sentences=SENTENCES, top_k=3)
    encoded = grounder.ground(grounder.encode(np.load(video)), duration_s=31.5, sentences=SENTENCES, top_k=3)
    for answer, again, entry in zip(whole, encoded, expected, strict=True):
        assert answer == pytest.approx(np.array(entry["moments"]), abs=2e-4)
        assert again == pytest.approx(answer, abs=1e-5)


def test_the_first_moment_is_the_first_of_several(exported: Path, features: Path) -> None:
    grounder, video = Grounder(exported), np.load(features)
    (one,) = grounder.ground(video, duration_s=30.0, sentences=SENTENCES[:1])
    (three,) = grounder.ground(video, duration_s=30.0, sentences=SENTENCES[:1], top_k=3)
    assert one.shape == (1, 3) and three.shape == (3, 3)
    assert one[0] == pytest.approx(three[0])


def test_together_is_as_alone(exported: Path, features: Path) -> None:
    grounder, video = Grounder(exported), np.load(features)
    together = grounder.ground(video, duration_s=30.0, sentences=SENTENCES)
    for sentence, answer in zip(SENTENCES, together, strict=True):
        (alone,) = grounder.ground(video, duration_s=30.0, sentences=[sentence])
        assert alone == pytest.approx(answer, abs=1e-5)


def test_numpy_and_onnxruntime_are_enough(exported: Path, features: Path) -> None:
    script = ALONE.replace("{others}", repr(set(OTHERS)))
    done = subprocess.run(
        [sys.executable, "-c", script, str(exported), str(features)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (moment,) = json.loads(done.stdout)
    assert 0 <= moment[0] < moment[1] <= 30.0 + 1e-4


def test_predict_takes_the_file_and_needs_no_torch(exported: Path, student: Path, features: Path) -> None:
    words = ["--video", str(features), "--duration", "31.5", "--query", SENTENCES[2], "--top-k", "3"]
    script = "import runpy, sys\ntry:\n    runpy.run_module('emtm', run_name='__main__')\n"
    script += "finally:\n    assert 'torch' not in sys.modules"
    command = [sys.executable, "-c", script, "predict", str(exported), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found, expected = json.loads(done.stdout), ground_queries(student, features, SENTENCES[2:], 31.5, 3)
    assert found.keys() == expected.keys()
    (ours,), (theirs,) = found["queries"], expected["queries"]
    assert ours["unknown_words"] == theirs["unknown_words"] and "unheardofthing" in ours["unknown_words"]
    assert np.array(ours["moments"]) == pytest.approx(np.array(theirs["moments"]), abs=2e-4)


def test_the_file_says_where_it_comes_from(exported: Path, student: Path) -> None:
    card = Grounder(exported).card
    assert (card.model, card.dataset, card.part, card.top_k) == ("emtm-student", "smoke", "whole", 3)
    vocabulary = json.loads((student / "vocabulary.json").read_text("utf-8"))
    assert list(card.words) == vocabulary["words"] and list(card.chars) == vocabulary["chars"]
    assert card.parity.distribution_max_abs <= 1e-5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duration_s": 0.0}, "duration must be a positive number"),
        ({"duration_s": float("nan")}, "duration must be a positive number"),
        ({"sentences": ["..."], "top_k": 4}, "the file gives 1 to 3 moments, not 4"),
        ({"sentences": ["  "]}, "query is empty"),
        ({"video": np.zeros((5, 3), np.float32)}, "takes feature rows"),
        ({"video": np.zeros((0, 1024), np.float32)}, "takes feature rows"),
        ({"video": np.full((5, 1024), np.nan, np.float32)}, "not all finite"),
    ],
)
def test_what_does_not_fit_is_one_sentence(change: dict[str, object], said: str, exported: Path) -> None:
    grounder = Grounder(exported)
    fits = {"video": np.zeros((5, grounder.card.feature_width), np.float32), "duration_s": 9.0, "sentences": ["a door"]}
    given = {**fits, **change}
    with pytest.raises(UserError, match=said):
        grounder.ground(given.pop("video"), **given)  # type: ignore[arg-type]


def test_files_that_are_none_of_ours(exported: Path, tmp_path: Path) -> None:
    import onnx

    with pytest.raises(UserError, match="there is no file"):
        Grounder(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(UserError, match="no ONNX file"):
        Grounder(tmp_path / "text.onnx")
    graph = onnx.load(exported)
    del graph.metadata_props[:]
    onnx.save(graph, tmp_path / "bare.onnx")
    with pytest.raises(UserError, match="was not written by"):
        Grounder(tmp_path / "bare.onnx")
    onnx.helper.set_model_props(graph, {"emtm": '{"format": "emtm-onnx/1", "model": "x"}'})
    onnx.save(graph, tmp_path / "half.onnx")
    with pytest.raises(UserError, match="description is damaged"):
        Grounder(tmp_path / "half.onnx")
    with pytest.raises(UserError, match="is a part of a model"):
        Grounder(exported.with_suffix(ENCODE))


def test_steps_that_are_not_there_or_of_another_checkpoint(exported: Path, tmp_path: Path) -> None:
    alone = tmp_path / "student.onnx"
    shutil.copy(exported, alone)
    rows = np.zeros((5, Grounder(alone).card.feature_width), np.float32)
    with pytest.raises(UserError, match="export the model with --cached-videos"):
        Grounder(alone).encode(rows)
    import onnx

    for suffix in (ENCODE, GROUND):
        graph = onnx.load(exported.with_suffix(suffix))
        (entry,) = graph.metadata_props
        described = {**json.loads(entry.value), "weights_sha256": "0" * 64}
        onnx.helper.set_model_props(graph, {"emtm": json.dumps(described)})
        onnx.save(graph, alone.with_suffix(suffix))
    with pytest.raises(UserError, match="is of another checkpoint"):
        Grounder(alone).encode(rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "student.bin"], "must end in .onnx"),
        (["--out", "nowhere/student.onnx"], "there is no folder"),
    ],
)
def test_nothing_is_left_of_an_export_that_fails(
    arguments: list[str], said: str, student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["export", str(student), *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_deviation_writes_nothing(student: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx", reason="needs the extra onnx")
    monkeypatch.setattr("emtm.deploy.exporting.TOLERANCE", 0.0)
    done = CliRunner().invoke(app, ["export", str(student), "--out", str(tmp_path / "student.onnx")])
    assert done.exit_code == 2
    assert "would differ from the checkpoint" in done.stderr and "was not written" in done.stderr
    assert list(tmp_path.iterdir()) == []
