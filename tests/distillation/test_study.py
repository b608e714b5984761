"""`distill` and `reproduce` on the smoke world, cut off and gone on with, and what a user gets wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from emtm.data.datasets import open_dataset
from emtm.data.soft_labels import read_soft_labels
from emtm.distillation.variants import ABLATIONS, all_ablations, make_variant
from emtm.errors import UserError
from emtm.training.manifest import sha256
from emtm.training.runs import load_run, read_spec

SIZES = ("dim=16", "char_dim=4", "batch_size=128", "epochs=1")
STUDY = [
    "reproduce",
    "--dataset=smoke",
    "--teachers=vslnet",
    "--ablate=student-alone,full,official-losses,smoothed-truth",
    "--seeds=2",
    *(f"--set={model}.{size}" for model in ("vslnet", "emtm", "emtm-student") for size in SIZES),
]


def emtm(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emtm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that was killed once its teacher was there, and then gone on with."""
    out = tmp_path_factory.mktemp("studies") / "study"
    command = [sys.executable, "-m", "emtm", *STUDY, f"--out={out}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 300
    while not (out / "teachers/vslnet/metrics.json").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "summary.json").exists()
    teacher = (out / "teachers/vslnet/best.safetensors").stat().st_mtime_ns
    result = emtm(*STUDY, f"--out={out}", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == json.loads((out / "summary.json").read_text())
    assert (out / "teachers/vslnet/best.safetensors").stat().st_mtime_ns == teacher
    return out


def summary_of(study: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((study / "summary.json").read_text())
    return loaded


def test_summary_pairs_by_seed(study: Path) -> None:
    summary = summary_of(study)
    rows = {row["name"]: row for row in summary["rows"]}
    assert set(rows) == {"student-alone", "full", "official-losses", "smoothed-truth"}
    alone, full = rows["student-alone"]["r1_0.5"]["values"], rows["full"]["r1_0.5"]["values"]
    difference = rows["full"]["r1_0.5"]["over_student_alone"]
    assert difference["mean"] == pytest.approx(sum(f - a for f, a in zip(full, alone, strict=True)) / 2)
    assert difference["n"] == 2
    for seed, value in zip((0, 1), alone, strict=True):
        metrics = json.loads((study / f"students/student-alone-s{seed}/metrics.json").read_text())
        assert metrics["r1"]["0.5"] == value
    assert summary["synthetic"] is True
    for teacher in summary["teachers"]:
        run = study / "teachers" / teacher["name"]
        assert teacher["training_s"] == json.loads((run / "metrics.json").read_text())["training"]["seconds"]
        assert teacher["labels_s"] == json.loads((run / "soft-labels-train.json").read_text())["seconds"]
    assert {row["device"] for row in (*summary["teachers"], *summary["rows"])} == {"cpu"}


def test_published_losses_do_not_distil_and_ours_do(study: Path) -> None:
    ratio = summary_of(study)["soft_gradient_ratio"]
    assert 0 < ratio["official-losses"] < 1e-4
    assert ratio["full"] > 1e-2


def test_aggregation_is_shown(study: Path) -> None:
    shown = summary_of(study)["aggregation"]
    assert shown["teachers"] == ["vslnet"]
    assert len(shown["queries"]) == summary_of(study)["queries"] == len(shown["weights"]["start"])
    # One teacher alone has all the weight.
    assert all(weight == [1.0] for weight in shown["weights"]["end"])
    for example in shown["examples"]:
        for name in ("aggregated", "student"):
            assert [sum(side) for side in example[name]] == pytest.approx([1.0, 1.0], abs=0.01)


def test_exported_student_holds_nothing_of_the_teachers(study: Path) -> None:
    taught = load_file(study / "students/full-s0/best.safetensors")
    alone = load_file(study / "students/student-alone-s0/best.safetensors")
    assert {k: v.shape for k, v in taught.items()} == {k: v.shape for k, v in alone.items()}
    branches = load_file(study / "students/full-s0/branches.safetensors")
    assert {name.split(".")[0] for name in branches} == {"isomorphic", "aggregation"}


def test_a_run_says_who_taught_it_wherever_the_study_lies(study: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    for name in ("students/full-s0", "students/smoothed-truth-s0", "students/student-alone-s0", "teachers"):
        shutil.copytree(study / name, moved / name)
        assert str(study.parent) not in "".join(f.read_text() for f in (moved / name).rglob("*.json"))
    (teacher,) = load_run(moved / "students/full-s0").teachers
    assert (teacher.name, teacher.seed) == ("vslnet", 0)
    assert teacher.weights_sha256 == sha256(moved / "teachers/vslnet/best.safetensors")
    (labels,) = read_spec(moved / "students/full-s0").data.soft_labels
    assert Path(labels.path) == moved / "teachers/vslnet/soft-labels-train.h5"
    assert read_soft_labels(Path(labels.path)).sha256 == labels.sha256 == teacher.labels_sha256
    (control,) = load_run(moved / "students/smoothed-truth-s0").teachers
    assert (control.name, control.weights_sha256) == ("smoothed-truth", "none")
    assert load_run(moved / "students/student-alone-s0").teachers == ()


def test_another_study_is_refused(study: Path) -> None:
    refused(emtm(*STUDY, "--seeds=3", f"--out={study}"), "another study")


def test_distill_from_a_run_and_from_a_file(study: Path, tmp_path: Path) -> None:
    teacher = study / "teachers/vslnet"
    small = [f"--set={size}" for size in SIZES]
    for name, source in (("run", teacher), ("file", teacher / "soft-labels-train.h5")):
        result = emtm("distill", "--dataset=smoke", f"--teachers={source}", f"--out={tmp_path / name}", *small)
        assert result.returncode == 0, result.stderr
    again = load_file(study / "students/full-s0/best.safetensors")
    for name in ("run", "file"):
        assert all(
            (value == again[key]).all() for key, value in load_file(tmp_path / name / "best.safetensors").items()
        )
    refused(
        emtm(
            "distill", "--dataset=synth-charades", f"--teachers={teacher}/soft-labels-train.h5", f"--out={tmp_path}/x"
        ),
        "smoke",
        "synth-charades",
    )
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["distill", "--dataset=smoke", "--teachers=seqpan", "--out=x"], ["seqpan", "train it first"]),
        (["distill", "--dataset=smoke", "--teachers=nowhere", "--out=x"], ["nowhere", "neither"]),
        (["distill", "--dataset=smoke", "--ablate=ful", "--out=x"], ["did you mean 'full'"]),
        (["reproduce", "--dataset=smoke", "--teachers=vslnt", "--out=x"], ["did you mean 'vslnet'"]),
        (["reproduce", "--dataset=smoke", "--teachers=vslnet,vslnet", "--out=x"], ["named twice"]),
        (["reproduce", "--dataset=smoke", "--teachers=vslnet", "--ablate=nope", "--out=x"], ["unknown ablation"]),
        (["reproduce", "--dataset=smoke", "--teachers=vslnet", "--set=epochs=1", "--out=x"], ["MODEL.KEY=VALUE"]),
        (["reproduce", "--dataset=smoke", "--teachers=vslnet", "--set=vslnet.dims=1", "--out=x"], ["dims"]),
    ],
)
def test_mistakes_end_in_one_sentence(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(emtm(*arguments), *words)
    assert not (tmp_path / "x").exists()


def test_smoothed_truth_peaks_at_the_annotated_boundaries(study: Path) -> None:
    labels = read_soft_labels(study / "teachers/smoothed-truth.h5")
    for query in open_dataset("smoke").splits["train"][:50]:
        first, last = labels[query.query_id].argmax(1)
        cell_s = query.duration_s / 64
        assert abs(first * cell_s - query.start_s) <= cell_s
        assert abs((last + 1) * cell_s - query.end_s) <= cell_s


def test_every_ablation_makes_a_variant() -> None:
    for name in all_ablations(["a", "b"]):
        variant = make_variant(name, ["a", "b"], "b")
        assert set(variant.teachers) <= {"a", "b"} or variant.teachers == ("smoothed-truth",)
    assert make_variant("best-teacher", ["a", "b"], "b").teachers == ("b",)
    plain = make_variant("plain-distillation", ["a", "b"], "b")
    assert (plain.teachers, plain.settings) == (("b",), ("isomorphic_weight=0", "aggregation=uniform"))
    assert make_variant("only:a", ["a", "b"], None).teachers == ("a",)
    assert make_variant("no-distillation", ["a", "b"], None).teachers == ()
    assert make_variant("temperature=2", ["a"], None).settings == ("temperature=2",)
    assert "full" in ABLATIONS
    with pytest.raises(UserError, match="unknown teacher"):
        make_variant("only:c", ["a", "b"], None)
