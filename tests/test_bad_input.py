"""Bad input of every kind, through the commands: one sentence, exit code 2, nothing half-written."""

from __future__ import annotations

import io
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from typer.testing import CliRunner

from bench.count import app as count_app
from emtm.cli import app
from emtm.training import runs
from emtm.training.checkpoint import save
from emtm.training.history import Epoch
from emtm.training.manifest import MANIFEST
from emtm.training.parallel import join
from emtm.training.setup import set_up
from emtm.training.spec import FORMAT, DataSource, plan

DEEP = "[" * 100_000
EPOCH: Epoch = {"epoch": 0, "loss": {"total": 1.0}, "val": {"r1": {"0.5": 1.0}, "miou": 1.0}, "seconds": 1.0}
STUDENT = ("emtm-student", "--dataset", "smoke", "--set", "epochs=1")
Edit = Callable[[Path], object]


@pytest.fixture(scope="module")
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


def refused(folder: Path, *arguments: object, program: Any = app) -> str:
    """The sentence; nothing has come to be in the folder."""
    before = set(folder.rglob("*"))
    result = CliRunner().invoke(program, list(map(str, arguments)))
    assert (result.exit_code, result.stdout) == (2, ""), result.stderr or result.exception
    lines = [line for line in result.stderr.splitlines() if "error" in line or "Traceback" in line]
    assert len(lines) == 1 and lines[0].startswith("error: "), result.stderr
    assert set(folder.rglob("*")) == before
    return lines[0]


def train(folder: Path, *options: object) -> str:
    return refused(folder, "train", *STUDENT, "--out", folder / "new", *options)


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


def changed(**values: object) -> Edit:
    """Edits of `run.json`; `config__dim` is the `dim` of its `config`."""

    def edit(file: Path) -> None:
        stored = json.loads(file.read_text("utf-8"))
        for path, value in values.items():
            *outer, last = path.split("__")
            place = stored
            for name in outer:
                place = place[name]
            place[last] = value
        file.write_text(json.dumps(stored), "utf-8")

    return edit


def text(content: str | bytes) -> Edit:
    return lambda file: file.write_bytes(content if isinstance(content, bytes) else content.encode())


def replaced_by_a_folder(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.mkdir()


JSON = {
    "deep": text(DEEP),
    "cut": text('{"model": '),
    "empty": text(""),
    "list": text("[]"),
    "null": text("null"),
    "number": text("3"),
    "latin": text(b'{"a": "\xe9"}'),
    "digits": text('{"a": ' + "1" * 6000 + "}"),
    "folder": replaced_by_a_folder,
}
RUN: dict[str, Edit] = {
    **JSON,
    "nan": changed(seed=float("nan")),
    "seed": changed(seed="x"),
    "negative": changed(seed=-1),
    "huge-seed": changed(seed=10**30),
    "model": changed(model=[1]),
    "unknown": changed(model="nope"),
    "data": changed(data=[]),
    "name": changed(data__name=5),
    "root": changed(data__root=5),
    "labels": changed(data__soft_labels=[{"path": 1, "teacher": 2, "sha256": 3}]),
    "no-labels": changed(data__soft_labels=None),
    "recipe": changed(recipe=None),
    "heads": changed(config__dim=7),
    "dim": changed(config__dim=2**40),
    "words": changed(config__word_dim=2**40),
    "clips": changed(config__max_clips=2**40),
}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in RUN.items()])
def test_damaged_runs(run: Path, rows: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "run.json")
    refused(tmp_path, "evaluate", run)
    refused(tmp_path, "predict", run, "--video", rows, "--query", "q", "--duration", 9)


VOCABULARY = {**JSON, "numbers": text('{"words": [1], "chars": []}'), "other": text('{"words": ["a"], "chars": ["b"]}')}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in VOCABULARY.items()])
def test_damaged_vocabularies(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "vocabulary.json")
    assert "vocabulary.json" in refused(tmp_path, "evaluate", run) or edit is VOCABULARY["other"]


def tensors(state: str | None = None, *, without: int | None = None, **more: torch.Tensor) -> Edit:
    """A checkpoint with another state, one tensor less, or some more (`optimizer__x` is `optimizer.x`)."""

    def edit(file: Path) -> None:
        with safe_open(file, "pt") as stored:
            content = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118
            metadata = stored.metadata() or {}
        if without is not None:
            del content[sorted(content)[without]]
        content.update({name.replace("__", "."): value for name, value in more.items()})
        save_file(content, file, metadata if state is None else {"state": state})

    return edit


BINARY: dict[str, Edit] = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:500]),
    "empty": text(""),
    "zeros": text(bytes(500)),
    "length": lambda file: file.write_bytes(struct.pack("<Q", 2**60) + file.read_bytes()[8:]),
    "less": tensors(without=2),
    "folder": JSON["folder"],
}
LAST: dict[str, Edit] = {
    **BINARY,
    "no-state": tensors("{}"),
    "deep": tensors(DEEP[:20_000]),
    "state": tensors("[]"),
    "no-history": tensors('{"history": null}'),
    "history": tensors('{"history": [1]}'),
    "nan": tensors('{"history": [{"seconds": NaN}]}'),
    "weight": tensors(model__x=torch.zeros(2)),
    "index": tensors(optimizer__x__y=torch.zeros(2)),
    "optimizer": tensors(optimizer__999__step=torch.zeros(2)),
    "strange": tensors(x=torch.zeros(2)),
}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in BINARY.items()])
def test_damaged_weights(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "best.safetensors")
    assert "best.safetensors" in refused(tmp_path, "evaluate", run)


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in LAST.items()])
def test_damaged_states(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "last.safetensors")
    assert "last.safetensors" in refused(tmp_path, "train", *STUDENT, "--out", run, "--resume")


def test_a_run_without_its_record(run: Path, tmp_path: Path) -> None:
    (run / "run.json").unlink()
    assert "run.json is gone" in refused(tmp_path, "train", *STUDENT, "--out", run, "--resume")


FIGURES = {"model": "m", "dataset": "d", "split": "s", "protocol": "p", "queries": 1, "synthetic": True, "miou": 1}
METRICS = {
    **JSON,
    "nan": text('{"miou": NaN}'),
    "nothing": text("{}"),
    "recall": text(json.dumps({**FIGURES, "r1": 5, "floors": {}, "ci95": None})),
    "floor": text(json.dumps({**FIGURES, "r1": {}, "floors": {"a": 1}, "ci95": None})),
    "interval": text(json.dumps({**FIGURES, "r1": {}, "floors": {}, "ci95": {"r1": {"0.5": 3}}})),
}


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in METRICS.items()])
def test_damaged_metrics(run: Path, edit: Edit, tmp_path: Path) -> None:
    edit(run / "metrics.json")
    assert "metrics.json" in refused(tmp_path, "train", *STUDENT, "--out", run, "--resume")


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in JSON.items()])
def test_damaged_studies(edit: Edit, tmp_path: Path) -> None:
    edit(tmp_path / "study.json")
    refused(tmp_path, "reproduce", "--dataset", "smoke", "--teachers", "vslnet", "--out", tmp_path)


@pytest.mark.parametrize("edit", [pytest.param(edit, id=name) for name, edit in JSON.items()])
def test_damaged_predictions_and_clip_counts(edit: Edit, tmp_path: Path) -> None:
    edit(tmp_path / "file.json")
    refused(tmp_path, "score", tmp_path / "file.json", "--dataset", "smoke")
    options = ("--ceiling", "--clips", 4, "--clip-counts", tmp_path / "file.json")
    refused(tmp_path, "score", "--dataset", "smoke", *options)


def header(shape: tuple[int, ...], dtype: Any = "<f4", data: bytes = bytes(4096)) -> bytes:
    """An .npy file that claims a shape, whatever it holds."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + data


def member(content: bytes, flag: int = 0, method: int | None = None) -> bytes:
    """An .npz file of one array; its flags or its method of compression changed in both headers."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("features.npy", content)
    packed = bytearray(file.getvalue())
    central = packed.rfind(b"PK\1\2")
    packed[6] |= flag
    packed[central + 8] |= flag
    if method is not None:
        packed[8] = packed[central + 10] = method
    return bytes(packed)


ARRAYS = {
    "381-gib": header((100_000_000, 1024)),
    "1e25-rows": header((10**25, 1024)),
    "2^80": header((2**40, 2**40)),
    "negative": header((-5, 1024)),
    "no-rows": header((0, 1024)),
    "cut": header((8, 1024)),
    "objects": header((3,), "|O", b"\x80\x04N."),
    "records": header((3,), [("a", "<f4")]),
    "text": header((3, 4), "<U3"),
    "version": b"\x93NUMPY\x09\x00" + bytes(50),
    "header-length": b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + b"x" * 100,
    "open-brace": b"\x93NUMPY\x01\x00" + struct.pack("<H", 80) + b"{" * 80,
    "deep": b"\x93NUMPY\x01\x00" + struct.pack("<H", 60_000) + b"(" * 60_000,
}
READABLE = {"no-rows", "records", "text"}
"""Arrays all the same, if no features."""
SOUND = header((8, 1024), data=bytes(4 * 8 * 1024))
FILES = {
    **{f"{name}.npy": content for name, content in ARRAYS.items()},
    **{f"{name}.npz": member(content) for name, content in ARRAYS.items()},
    "encrypted.npz": member(SOUND, flag=1),
    "method.npz": member(SOUND, method=99),
    "nan.npy": header((8, 1024), data=np.full(8 * 1024, np.nan, np.float32).tobytes()),
    "float32-overflow.npy": header((8, 1024), "<f8", np.full(8 * 1024, 1e308).tobytes()),
}


@pytest.mark.parametrize("name", FILES)
def test_arrays_that_lie(name: str, run: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    refused(tmp_path, "predict", run, "--video", tmp_path / name, "--query", "q", "--duration", 9)
    if name.endswith(".npz") and name.removesuffix(".npz") not in READABLE:
        refused(tmp_path, "parity", tmp_path / name)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """TACoS of four videos, with word vectors."""
    folder = tmp_path_factory.mktemp("tacos")
    for split, videos in {"train": ("v0", "v1"), "val": ("v2",), "test": ("v3",)}.items():
        entry = {"duration": 20.0, "timestamps": [[1, 5]], "sentences": ["a door"]}
        (folder / f"{split}.json").write_text(json.dumps(dict.fromkeys(videos, entry)))
    np.savez(folder / "glove.npz", words=np.array(["a", "door"]), vectors=np.ones((2, 300), np.float32))
    return folder


HDF5: dict[str, Callable[[h5py.File], object]] = {
    "381-gib": lambda file: file.create_dataset("v3", (100_000_000, 1024), "f4", chunks=(1000, 1024)),
    "link-to-itself": lambda file: file.__setitem__("v3", h5py.SoftLink("/v3")),
    "link-to-nothing": lambda file: file.__setitem__("v3", h5py.SoftLink("/nothing")),
    "link-to-root": lambda file: file.__setitem__("v3", h5py.SoftLink("/")),
    "link-elsewhere": lambda file: file.__setitem__("v3", h5py.ExternalLink("/etc/passwd", "/x")),
    "group-of-itself": lambda file: file.create_group("v3").__setitem__("x", h5py.SoftLink("/v3")),
    "group-of-nothing": lambda file: file.create_group("v3").__setitem__("x", h5py.SoftLink("/nothing")),
    "type": lambda file: file.__setitem__("v3", np.dtype("f4")),
    "objects": lambda file: file.create_dataset("v3", (3, 4), h5py.string_dtype()),
    "references": lambda file: file.create_dataset("v3", (3, 3), h5py.ref_dtype),
    "empty": lambda file: file.create_dataset("v3", data=h5py.Empty("f4")),
    "scalar": lambda file: file.__setitem__("v3", 1.0),
    "integers": lambda file: file.__setitem__("v3", np.ones((3, 1024), np.int8)),
    "records": lambda file: file.__setitem__("v3", np.zeros((3, 4), [("a", "f4")])),
}


@pytest.mark.parametrize("name", HDF5)
def test_stores_that_lie(name: str, dataset: Path, tmp_path: Path) -> None:
    path = tmp_path / "features.h5"
    with h5py.File(path, "w") as file:
        for video in ("v0", "v1", "v2"):
            file[video] = np.ones((8, 1024), np.float32)
        HDF5[name](file)
    options = ("--root", dataset, "--features", path, "--glove", dataset / "glove.npz", "--out", tmp_path / "new")
    refused(tmp_path, "train", "emtm-student", "--dataset", "tacos", *options)
    refused(tmp_path, "distill", "--dataset", "smoke", "--teachers", path, "--out", tmp_path / "new")


def test_word_vectors_that_lie(dataset: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "glove.npz", "w") as archive:
        archive.writestr("words.npy", header((10**9,), "<U100"))
        archive.writestr("vectors.npy", header((10**9, 300)))
    assert "glove.npz" in train(tmp_path, "--glove", tmp_path / "glove.npz")
    options = ("--root", dataset, "--features", "", "--glove", dataset / "glove.npz", "--out", tmp_path / "new")
    assert "--features is empty" in refused(tmp_path, "train", "emtm-student", "--dataset", "tacos", *options)


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


@pytest.fixture
def full() -> Iterator[Callable[[], None]]:
    """Makes a process unable to write files of more than 20 KiB, as on a disk that is nearly full."""
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20 * 1024, 20 * 1024))


@pytest.mark.parametrize("command", ["soft-labels", "train"])
def test_a_full_disk(command: str, run: Path, tmp_path: Path, full: Callable[[], None]) -> None:
    for name in ("last.safetensors", "best.safetensors"):
        if command == "train":
            (run / name).unlink()
    arguments = {
        "soft-labels": ("soft-labels", str(run), "--out", str(tmp_path / "labels.h5")),
        "train": ("train", *STUDENT, "--set", "batch_size=400", "--out", str(tmp_path / "new")),
    }[command]
    before = set(tmp_path.rglob("*"))
    result = subprocess.run(
        [sys.executable, "-m", "emtm", *arguments],
        capture_output=True,
        text=True,
        preexec_fn=full,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert result.returncode == 2, result.stderr
    assert "File too large" in result.stderr.splitlines()[-1] and "Traceback" not in result.stderr
    assert set(tmp_path.rglob("*")) == before
