"""Sound files of every form, made once and copied for every input."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from bench.run import Run
from tests.campaign.attempt import attempt
from tests.own import WIDTH, make_folder, write_features
from tests.report.studies import example_summary
from tests.shared import SHARED
from tests.verdict.runs import case, failed, run, scored, written

Make = Callable[["Specimens", Path], object]
_MAKERS: dict[str, Make] = {}
REPORTS = Path(__file__).parents[3] / "reports"
SENTENCE = "a person opens a door"
TINY = ("--set", "epochs=1", "--set", "dim=16", "--set", "heads=2", "--threads", "1")


class Specimens:
    """Folders of sound files by name, each made when it is first asked for.

    A run remembers the path of its data. So all are made in one place, are kept in another, and go back to the first.
    """

    def __init__(self, kept: Path, place: Path, environment: dict[str, str]) -> None:
        self.kept, self.place, self.environment = kept, place, environment

    def folder(self, name: str) -> Path:
        """Where the files are kept; they are copied, never changed."""
        folder = self.kept / name
        if not folder.exists():
            shutil.rmtree(self.place, ignore_errors=True)
            self.place.mkdir(parents=True)
            _MAKERS[name](self, self.place)
            shutil.copytree(self.place, folder, symlinks=True)
        return folder

    def into(self, name: str) -> None:
        """All files of one specimen in the place, and nothing else."""
        folder = self.folder(name)
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(folder, self.place, symlinks=True)


def specimen(name: str) -> Callable[[Make], Make]:
    """Register what makes a specimen."""

    def register(make: Make) -> Make:
        _MAKERS[name] = make
        return make

    return register


def emtm(specimens: Specimens, *arguments: str) -> None:
    """Run a command on the files that are being made; it must succeed."""
    done = attempt("emtm", arguments, specimens.place, specimens.environment)
    assert done.code == 0, done


def put(path: Path, content: object) -> None:
    """A file of JSON, or of JSON lines where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = content if path.suffix == ".jsonl" and isinstance(content, list) else [content]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


@specimen("nothing")
def _nothing(_: Specimens, folder: Path) -> None:
    pass


def measured(slower: float = 1.0, at: str = "20261123T101911Z") -> Run:
    """A small run with blocks of all kinds."""
    return run(
        case(seconds=0.01 * slower, throughput={1: 90.0, 8: 400.0}, costed=99),
        case("seqpan", "smoke", seed=0, quality=scored([0.2, 0.6, 0.9], keep=True)),
        case("seqpan", scenario="train_step"),
        failed(case("eamat")),
        at=at,
    )


@specimen("run files")
def _run_files(_: Specimens, folder: Path) -> None:
    written(measured(), folder / "run.json")
    written(measured(1.3, "20261124T101911Z"), folder / "other.json")


@specimen("history")
def _history(_: Specimens, folder: Path) -> None:
    for day in range(20, 26):
        found = run(case(seconds=0.01 * (2 if day > 23 else 1)), case("seqpan"), at=f"202611{day}T101911Z")
        written(found, folder / "runs" / f"{day}.json")


@specimen("study")
def _study(_: Specimens, folder: Path) -> None:
    put(folder / "summary.json", example_summary())


@specimen("audit")
def _audit(_: Specimens, folder: Path) -> None:
    shutil.copyfile(REPORTS / "reference" / "audit.json", folder / "audit.json")


@specimen("claims")
def _claims(specimens: Specimens, folder: Path) -> None:
    shutil.copyfile(specimens.folder("run files") / "run.json", folder / "run.json")
    put(folder / "summary.json", example_summary())
    claim = {"source": "x", "protocol": "y", "needs": "z"}
    (folder / "claims.yaml").write_text(
        json.dumps(
            [
                {
                    **claim,
                    "id": "cheap",
                    "text": "It is cheap",
                    "kept": True,
                    "holds": {"below": 1},
                    "measure": {
                        "estimator": "macs-ratio",
                        "model": "vslnet",
                        "dataset": "charades-sta",
                        "against": ["eamat"],
                    },
                },
                {**claim, "id": "unmeasured", "text": "Nobody knows"},
            ],
            indent=1,
        ),
        "utf-8",
    )


@specimen("scores")
def _scores(specimens: Specimens, folder: Path) -> None:
    shutil.copytree(specimens.folder("run"), folder, dirs_exist_ok=True)
    done = attempt("emtm", ("evaluate", "run"), folder, specimens.environment)
    (folder / "scores.json").write_text(done.stdout, "utf-8")


@specimen("asv")
def _asv(specimens: Specimens, folder: Path) -> None:
    from bench.cli.app import main

    shutil.copyfile(specimens.folder("run files") / "run.json", folder / "run.json")
    assert main(["export", str(folder / "run.json"), "--to", "asv", "--out", str(folder / "out")]) == 0
    shutil.copyfile(specimens.folder("run files") / "other.json", folder / "run.json")


@specimen("selftest")
def _selftest(_: Specimens, folder: Path) -> None:
    shutil.copyfile(REPORTS / "selftest" / "two-shared-cores.json", folder / "selftest.json")


@specimen("factory")
def _factory(_: Specimens, folder: Path) -> None:
    text = "import torch\nfrom torch import nn\n\n\ndef factory():\n    return nn.Linear(4, 2), (torch.zeros(3, 4),)\n"
    (folder / "made.py").write_text(text, "utf-8")


ANNOTATIONS: dict[str, tuple[str, object]] = {
    "captions": ("captions.json", {"v1": {"duration": 30, "timestamps": [[1, 5]], "sentences": [SENTENCE]}}),
    "frames": (
        "frames.json",
        {"v1": {"fps": 10, "num_frames": 300, "timestamps": [[10, 50]], "sentences": [SENTENCE]}},
    ),
    "flat": ("flat.json", [["v1", 30, [1, 5], SENTENCE]]),
    "highlights": (
        "highlights.jsonl",
        [{"qid": 1, "vid": "v1", "query": SENTENCE, "duration": 30, "relevant_windows": [[1, 5], [7, 9]]}],
    ),
    "ids": ("ids.json", {"7": {"movie": "v1", "movie_duration": 30, "sentence": SENTENCE, "ext_timestamps": [1, 5]}}),
    "ego4d": (
        "ego4d.json",
        {
            "version": "1",
            "videos": [
                {
                    "video_uid": "u1",
                    "clips": [
                        {
                            "clip_uid": "v1",
                            "video_start_sec": 600.0,
                            "video_end_sec": 630.0,
                            "annotations": [
                                {
                                    "annotation_uid": "a1",
                                    "language_queries": [{"clip_start_sec": 1, "clip_end_sec": 5, "query": SENTENCE}],
                                }
                            ],
                        }
                    ],
                }
            ],
        },
    ),
    "didemo": (
        "didemo.json",
        [
            {
                "annotation_id": 3,
                "description": SENTENCE,
                "video": "v1",
                "num_segments": 6,
                "times": [[0, 0], [0, 1], [0, 0]],
            }
        ],
    ),
    "own": ("own.jsonl", [{"video_id": "v1", "duration": 30, "query": SENTENCE, "start": 1, "end": 5}]),
}
"""A file of one query in every layout."""


@specimen("annotations")
def _annotations(_: Specimens, folder: Path) -> None:
    for name, content in ANNOTATIONS.values():
        put(folder / name, content)
    (folder / "sta.txt").write_text(f"v1 1.0 5.0##{SENTENCE}\n", "utf-8")
    put(folder / "charades.json", {"v1": {"duration": 30}})
    (folder / "csv" / "sta.txt").parent.mkdir()
    shutil.copyfile(folder / "sta.txt", folder / "csv" / "sta.txt")
    (folder / "csv" / "Charades_v1_test.csv").write_text("id,subject,length\nv1,x,30.0\n", "utf-8")
    put(folder / "predictions.jsonl", [{"video_id": "v1", "query": SENTENCE, "moments": [[0, 5, 0.9], [3, 9, 0.1]]}])
    windows = [{"qid": 1, "vid": "v1", "query": SENTENCE, "pred_relevant_windows": [[0, 5, 0.9], [3, 9, 0.1]]}]
    put(folder / "submission.jsonl", windows)
    put(folder / "counts.json", {"v1": 25})


@specimen("tacos")
def _tacos(_: Specimens, folder: Path) -> None:
    """TACoS of eight videos, with features and word vectors of every form."""
    entry = {"fps": 10, "num_frames": 200, "timestamps": [[10, 50], [60, 95]], "sentences": ["a red cat", "a door"]}
    videos = [f"v{number}" for number in range(8)]
    for split, names in {"train": videos[:6], "val": videos[6:7], "test": videos[7:]}.items():
        put(folder / "root" / f"{split}.json", {f"{name}.avi": entry for name in names})
    features = {name: np.ones((5 + number, WIDTH), np.float32) for number, name in enumerate(videos)}
    write_features(folder / "root", "npy", features)
    words = {"a": np.eye(300)[0], "cat": np.eye(300)[1], "door": np.eye(300)[2]}
    np.savez(folder / "glove.npz", words=np.array(list(words)), vectors=np.array(list(words.values()), np.float32))
    lines = (f"{word} {' '.join(f'{number:g}' for number in vector)}\n" for word, vector in words.items())
    (folder / "glove.txt").write_text("".join(lines), "utf-8")


@specimen("prepared")
def _prepared(specimens: Specimens, folder: Path) -> None:
    shutil.copytree(specimens.folder("tacos"), folder, dirs_exist_ok=True)
    emtm(specimens, "prepare", "tacos", "--root", "root", "--features", "root/features", "--glove", "glove.npz")


def _own(folder: Path, layout: str) -> None:
    make_folder(folder / "own", layout, 10)  # type: ignore[arg-type]
    ids = [f"kitchen-{number:02d}" for number in range(4)]
    (folder / "ids.txt").write_text("".join(f"{name}\n" for name in ids), "utf-8")


def _own_layout(layout: str, _: Specimens, folder: Path) -> None:
    _own(folder, layout)


for _layout in ("npy", "npz", "hdf5"):
    specimen(f"own {_layout}")(partial(_own_layout, _layout))


@specimen("run")
def _run(specimens: Specimens, folder: Path) -> None:
    """A finished run, with what it is used on."""
    _own(folder, "hdf5")
    emtm(specimens, "train", "emtm-student", "--dataset", "custom", "--root", "own", "--out", "run", *TINY)
    with h5py.File(folder / "own" / "features" / "all.hdf5") as file:
        rows = file["kitchen-00"][()]
    np.save(folder / "video.npy", rows)
    np.savez(folder / "video.npz", features=rows)


@specimen("old run")
def _old_run(specimens: Specimens, folder: Path) -> None:
    """As runs were before they had a manifest, which refuses all damage before anybody reads the file."""
    shutil.copytree(specimens.folder("run"), folder, dirs_exist_ok=True)
    (folder / "run" / "manifest.json").unlink()
    file = folder / "run" / "run.json"
    file.write_text(file.read_text("utf-8").replace("emtm-run/2", "emtm-run/1"), "utf-8")


@specimen("unfinished run")
def _unfinished(specimens: Specimens, folder: Path) -> None:
    shutil.copytree(specimens.folder("old run"), folder, dirs_exist_ok=True)
    (folder / "run" / "metrics.json").unlink()


@specimen("labels")
def _labels(specimens: Specimens, folder: Path) -> None:
    shutil.copytree(specimens.folder("run"), folder, dirs_exist_ok=True)
    emtm(specimens, "soft-labels", "run", "--out", "labels.h5")


@specimen("onnx")
def _onnx(specimens: Specimens, folder: Path) -> None:
    shutil.copytree(specimens.folder("run"), folder, dirs_exist_ok=True)
    emtm(specimens, "export", "run", "--out", "student.onnx")


@specimen("studied")
def _studied(specimens: Specimens, folder: Path) -> None:
    """A finished study."""
    _own(folder, "hdf5")
    emtm(specimens, *STUDY)


SET = ("epochs=1", "dim=16", "heads=2")
STUDY = (
    *("reproduce", "--dataset", "custom", "--root", "own", "--teachers", "vslnet", "--ablate", "student-alone,full"),
    *("--seeds", "1", "--out", "study"),
    *(word for model in ("vslnet", "emtm", "emtm-student") for one in SET for word in ("--set", f"{model}.{one}")),
)


@specimen("cache")
def _cache(specimens: Specimens, folder: Path) -> None:
    own = Specimens(specimens.kept, folder, {**specimens.environment, "EMTM_CACHE": str(folder / "cache")})
    emtm(own, "datasets", "smoke")


@specimen("video")
def _video(_: Specimens, folder: Path) -> None:
    from bench.sample_video import SampleVideo

    SampleVideo(width=64, height=48, fps=5, duration_s=2, bits_per_s=50_000).write(folder / "video.mp4")


@specimen("extracted")
def _extracted(specimens: Specimens, folder: Path) -> None:
    shutil.copytree(specimens.folder("video"), folder, dirs_exist_ok=True)
    emtm(specimens, "extract", "video.mp4", "--out", "out")


@specimen("fixtures")
def _fixtures(_: Specimens, folder: Path) -> None:
    for name in FIXTURES:
        shutil.copyfile(SHARED / "fixtures" / f"{name}.npz", folder / f"{name}.npz")
        (folder / f"{name}.npz").chmod(0o644)


FIXTURES = (
    *("labels_seqpan_tf_A", "labels_tan2d_A", "labels_vslnet_A", "labels_zoo_A", "labels_ban_cca_A", "labels_unify_A"),
    *("emtm_losses_A_charades", "emtm_data_A", "emtm_student_A_small", "vslnet_A", "emb_A", "tan2d_A", "moment_detr_A"),
)
