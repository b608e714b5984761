"""Options, names and figures that no command can take."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.count import app as count_app
from tests.bad_input.refusals import STUDENT, refused, train

NO_NUMBERS = ("[", "", "null", "{a: 1}", "!!python/object:os.system", "&a *a", "1e400", "[" * 5000)


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_settings_that_are_no_number(value: str, tmp_path: Path) -> None:
    assert "dim takes a whole number" in train(tmp_path, "--set", f"dim={value}")


@pytest.mark.parametrize(
    ("model", "setting"),
    [
        ("emtm-student", "dim=1000000000"),
        ("emtm-student", "max_words=100000000000"),
        ("emtm-student", "max_clips=1000000000000"),
        ("vslnet", "char_dim=1000000000"),
        ("ban-apr", "map_clips=1000000"),
        ("moment-detr", "num_queries=10000000000"),
    ],
)
def test_sizes_beyond_any_memory(model: str, setting: str, tmp_path: Path) -> None:
    found = refused(tmp_path, "train", model, "--dataset", "smoke", "--out", tmp_path / "new", "--set", setting)
    assert "of memory" in found


def test_a_taught_student_beyond_any_memory(tmp_path: Path) -> None:
    options = ("--ablate", "no-distillation", "--set", "dim=4611686018427387904")
    assert "of memory" in refused(tmp_path, "distill", "--dataset", "smoke", "--out", tmp_path / "new", *options)


def test_emtm_without_teachers(tmp_path: Path) -> None:
    found = refused(tmp_path, "train", "emtm", "--dataset", "smoke", "--out", tmp_path / "new")
    assert "`python -m emtm distill --teachers A,B`" in found and "emtm-student" in found
    study = ("reproduce", "--dataset", "smoke", "--out", tmp_path / "new")
    assert refused(tmp_path, *study, "--teachers", "vslnet,emtm") == found
    assert refused(tmp_path, *study, "--teachers", "vslnet", "--baselines", "emtm") == found


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--seed", "-1"), "--seed"),
        (("--seed", str(2**32)), "--seed"),
        (("--seed", str(10**30)), "--seed"),
        (("--threads", "0"), "--threads"),
        (("--threads", str(10**9)), "--threads"),
        (("--device", "cpu:99"), "not 'cpu:99'"),
        (("--device", "cuda:x"), "not 'cuda:x'"),
        (("--device", ""), "not ''"),
    ],
)
def test_options_out_of_range(options: tuple[str, str], words: str, tmp_path: Path) -> None:
    assert words in train(tmp_path, *options)


@pytest.mark.parametrize(
    "command",
    [
        ("train", *STUDENT),
        ("distill", "--dataset", "smoke"),
        ("reproduce", "--dataset", "smoke"),
        ("soft-labels", "run"),
        ("extract", "video.mp4"),
    ],
)
@pytest.mark.parametrize("out", ["", " "])
def test_an_empty_place(command: tuple[str, ...], out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "'--out': it is empty" in refused(tmp_path, *command, "--out", out)


def test_names_that_no_file_can_have(tmp_path: Path, rows: Path) -> None:
    long = "x" * 5000
    commands: tuple[tuple[object, ...], ...] = (
        ("train", *STUDENT, "--out", tmp_path / long),
        ("train", *STUDENT, "--out", rows / "under-a-file"),
        ("train", long, "--dataset", "smoke", "--out", tmp_path / "new"),
        ("evaluate", long),
        ("evaluate", "\udce9"),
        ("predict", long, "--video", rows, "--query", "q", "--duration", 9),
        ("prepare", "tacos", "--root", long),
        ("datasets", "\udce9"),
        ("parity", long),
        ("score", long, "--dataset", "smoke"),
        ("reproduce", "--dataset", "smoke", "--seeds", 10**12, "--out", tmp_path / "new"),
    )
    for command in commands:
        refused(tmp_path, *command)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--teachers", ""), "--ablate no-distillation"),
        (("--ablate", ""), "unknown ablation ''"),
        (("--ablate", "smoothed-truth"), "reproduce"),
        (("--ablate", "student-alone"), "reproduce"),
        (("--ablate", "best-teacher"), "none is given"),
        (("--ablate", "only:x"), "unknown teacher 'x'"),
        (("--ablate", "temperature=2"), "none is given"),
    ],
)
def test_ways_to_distill_that_there_are_not(options: tuple[str, str], words: str, tmp_path: Path) -> None:
    assert words in refused(tmp_path, "distill", "--dataset", "smoke", "--out", tmp_path / "new", *options)


@pytest.mark.parametrize("duration", ["nan", "inf", "-1", "1e308"])
def test_figures_that_json_cannot_hold(duration: str, run: Path, rows: Path, tmp_path: Path) -> None:
    refused(tmp_path, "predict", run, "--video", rows, "--query", "q", "--duration", duration)


MISTAKES = ("def f(:", "import nothing_of_this_name", "raise SystemExit(3)", "1 / 0", "\x00", "x = 1")


@pytest.mark.parametrize("content", MISTAKES)
def test_modules_that_cannot_be_imported(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_module_with_a_mistake.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "a_module_with_a_mistake", raising=False)
    assert "a_module_with_a_mistake" in refused(tmp_path, "a_module_with_a_mistake:factory", program=count_app)
