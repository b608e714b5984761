"""A study by folds on a tiny folder of Charades' layout: what is trained, pooled, compared and refused."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emtm.data.annotated import AnnotatedPart
from emtm.data.datasets import open_dataset, pin_fold
from emtm.distillation.cross_validation import features_source
from emtm.errors import UserError
from emtm.metrics.bootstrap import cluster_interval
from emtm.metrics.floors import cached_floors, floor_hits
from emtm.metrics.metric import METRICS
from emtm.training.evaluation import known_moments, open_source
from emtm.training.jobs import Job
from emtm.training.loop import train
from emtm.training.runs import load_run, read_spec, read_tested
from emtm.training.spec import DataSource
from tests.charades import FEATURES, make_charades
from tests.distillation.few import run

FOLDS, SEEDS = 2, 2
SMALL = ("dim=16", "char_dim=4", "batch_size=16", "epochs=1")


def options(root: Path, *more: object) -> list[object]:
    return ["--dataset=charades-sta", f"--root={root}", "--preset=compact", *more]


def in_this_process(jobs: Sequence[Job], *_: object, **__: object) -> None:
    for job in jobs:
        train(job.spec, job.out, quiet=True)


def small(*models: str) -> list[str]:
    return [f"--set={model}{size}" for model in (models or ("",)) for size in SMALL]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_charades(tmp_path_factory.mktemp("cross") / "charades")


@pytest.fixture(scope="module")
def study(root: Path) -> Path:
    """Finished, and asked for once more."""
    out = root.parent / "study"
    command = [
        *("reproduce", *options(root), f"--folds={FOLDS}", f"--seeds={SEEDS}", "--teachers=vslnet"),
        *("--ablate=student-alone,full", "--baselines=seqpan", f"--out={out}"),
        *small("vslnet.", "emtm.", "emtm-student.", "seqpan."),
    ]
    # Spawned processes train for other tests: here they would take longer than what they do.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emtm.distillation.study.run_jobs", in_this_process)
        assert run(*command) == 0
    written = (out / "summary.json").read_bytes()
    assert run(*command) == 0
    assert (out / "summary.json").read_bytes() == written
    return out


def summary_of(study: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((study / "summary.json").read_text())
    return loaded


def metrics_of(run_dir: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((run_dir / "metrics.json").read_text())
    return loaded


def fold_dirs(study: Path) -> list[Path]:
    return [study / f"fold-{number}-of-{FOLDS}" for number in range(1, FOLDS + 1)]


def test_a_seeds_accuracy_is_that_of_all_queries_of_all_folds(study: Path) -> None:
    summary = summary_of(study)
    assert summary["queries"] == 24
    for row, folder in (("full", "students/full"), ("seqpan", "baselines/seqpan")):
        (found,) = [one for one in summary["rows"] if one["name"] == row]
        for seed in range(SEEDS):
            parts = [metrics_of(fold / f"{folder}-s{seed}") for fold in fold_dirs(study)]
            assert sum(part["queries"] for part in parts) == 24
            for metric in METRICS:
                pooled = sum(part["queries"] * (metric.read(part) or 0.0) for part in parts) / 24
                assert found[metric.key]["values"][seed] == pytest.approx(pooled)


def test_floors_are_those_of_each_folds_training_part(study: Path) -> None:
    summary = summary_of(study)
    parts = [metrics_of(fold / "students/full-s0") for fold in fold_dirs(study)]
    for name, floor in summary["floors"].items():
        for metric in METRICS:
            pooled = sum(part["queries"] * (metric.read(part["floors"][name]) or 0.0) for part in parts) / 24
            assert metric.read(floor) == pytest.approx(pooled)
    assert parts[0]["floors"] != parts[1]["floors"]


def test_hits_of_floors_have_the_floors_for_their_means(root: Path) -> None:
    dataset = open_dataset("charades-sta", root, fold=pin_fold(1, FOLDS, "charades-sta", root, None, None))
    expected, found = cached_floors(dataset), floor_hits(dataset)
    assert found.keys() == expected.keys()
    for name, hits in found.items():
        assert hits.shape == (len(dataset.splits["test"]), len(METRICS))
        assert hits.mean(0).tolist() == pytest.approx([metric.read(expected[name]) for metric in METRICS])


def test_intervals_resample_videos_and_pair_queries(study: Path) -> None:
    summary = summary_of(study)
    ious: dict[str, list[np.ndarray[Any, Any]]] = {"full": [], "student-alone": []}
    videos = []
    for fold in fold_dirs(study):
        spec = read_spec(fold / "students/full-s0")
        dataset = open_dataset("charades-sta", Path(spec.data.root or ""), fold=spec.data.fold)
        queries = dataset.splits["test"]
        videos += [query.video_id for query in queries]
        for name, pieces in ious.items():
            pieces.append(np.mean([read_tested(fold / f"students/{name}-s{s}", queries) for s in range(SEEDS)], 0))
    full, alone = (100 * np.concatenate(ious[name]) for name in ("full", "student-alone"))
    rows = {row["name"]: row for row in summary["rows"]}
    (pair,) = [p for p in summary["folds"]["pairs"] if {p["row"], p["over"]} == {"full", "student-alone"}]
    sign = 1 if pair["row"] == "full" else -1
    for figures, values in (
        (rows["full"]["miou"], full),
        (rows["full"]["miou"]["over_student_alone"], full - alone),
        (pair["miou"], sign * (full - alone)),
    ):
        interval = cluster_interval(values[:, None], videos)
        assert interval is not None
        assert figures["mean"] == pytest.approx(values.mean())
        assert figures["ci95"] == pytest.approx(interval[0].tolist())
    best = max(floor["miou"] for floor in summary["floors"].values())
    over = rows["full"]["miou"]["over_best_floor"]
    assert summary["floors"][over["floor"]]["miou"] == best
    assert over["mean"] == pytest.approx(full.mean() - best)


def test_the_summary_says_what_it_is_of_and_no_place_on_this_machine(study: Path, root: Path) -> None:
    summary = summary_of(study)
    assert summary["dataset"] == "charades-sta+2-folds"
    assert summary["folds"]["videos"] == 12
    assert summary["folds"]["source"] == "features, 6 wide, of an origin that is not stated"
    assert [part["fold"] for part in summary["folds"]["parts"]] == [1, 2]
    assert str(root.parent) not in json.dumps(summary)


def test_no_teacher_saw_a_test_video(study: Path) -> None:
    for fold in fold_dirs(study):
        splits = json.loads((fold / "teachers/vslnet/splits.json").read_text())
        student = json.loads((fold / "students/full-s0/splits.json").read_text())
        assert splits == student
        assert not set(splits["test"]) & {*splits["train"], *splits["val"]}


def test_a_run_is_evaluated_labelled_and_used_without_its_fold_being_said_again(
    study: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher = fold_dirs(study)[1] / "teachers/vslnet"
    capsys.readouterr()
    assert run("evaluate", teacher) == 0
    found, kept = json.loads(capsys.readouterr().out), metrics_of(teacher)
    assert {key: found[key] for key in ("dataset", "queries", "r1", "miou", "floors")} == {
        key: kept[key] for key in ("dataset", "queries", "r1", "miou", "floors")
    }
    assert found["published"] == []
    assert found["official"] is None
    assert load_run(teacher).dataset == found["dataset"] == "charades-sta+fold-2-of-2"
    assert run("soft-labels", teacher, "--split=test", f"--out={tmp_path / 'labels.h5'}") == 0
    np.save(tmp_path / "video.npy", np.zeros((8, 6), np.float32))
    assert run("predict", teacher, f"--video={tmp_path / 'video.npy'}", "--duration=8", "--query=a door") == 0


def test_teachers_of_another_fold_are_refused(
    study: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = fold_dirs(study)[1] / "teachers/vslnet"
    shutil.copytree(other, tmp_path / "vslnet", ignore=shutil.ignore_patterns("soft-labels*"))
    distill = ["distill", *options(root), f"--fold=1/{FOLDS}", *small(), f"--out={tmp_path / 'emtm'}"]
    for teacher, words in (
        (tmp_path / "vslnet", "5 videos that charades-sta+fold-1-of-2 tests on"),
        (other / "soft-labels-train.h5", "'charades-sta+fold-2-of-2', not of 'charades-sta+fold-1-of-2'"),
    ):
        capsys.readouterr()
        assert run(*distill, f"--teachers={teacher}") == 2
        said = capsys.readouterr().err
        assert words in said
        assert len(said.strip().splitlines()) == 1
    assert not (tmp_path / "emtm").exists()
    capsys.readouterr()
    assert run("reproduce", *options(root), "--folds=2", f"--teachers={other}", f"--out={tmp_path / 'study'}") == 2
    assert "teachers of its own" in capsys.readouterr().err


def test_a_run_goes_on_in_its_fold_alone_and_on_its_pool_alone(
    study: Path, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "charades"
    shutil.copytree(root, moved)
    train = ["train", "emtm-student", *options(moved), *small(), f"--out={tmp_path / 'run'}"]
    assert run(*train, "--fold=1/2") == 0
    assert run(*train, "--fold=1/2", "--resume") == 0
    for other in ("--fold=2/2", "--fold=1/3"):
        capsys.readouterr()
        assert run(*train, other, "--resume") == 2
        assert "other settings" in capsys.readouterr().err
    text = (moved / "charades_sta_test.txt").read_text().splitlines(keepends=True)
    (moved / "charades_sta_test.txt").write_text("".join(text[:-1]))
    for command in (["evaluate", tmp_path / "run"], ["soft-labels", tmp_path / "run", f"--out={tmp_path / 'x.h5'}"]):
        capsys.readouterr()
        assert run(*command) == 2
        assert "another pool now than fold 1 of 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["reproduce", "--dataset=smoke", "--folds=5"], "smoke is embedded"),
        (["train", "emtm-student", "--dataset=smoke", "--fold=1/5"], "smoke is embedded"),
        (["reproduce", "--dataset=smoke", "--folds=5", "--annotated=0.5,0.25"], "one share"),
        (["reproduce", "--dataset=charades-sta", "--folds=1"], "2 to 1,000 folds"),
        (["train", "emtm-student", "--dataset=charades-sta", "--fold=1/5"], "needs the directory"),
    ],
)
def test_mistakes_end_in_one_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments, f"--out={tmp_path / 'x'}") == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_what_is_not_annotated_loses_its_moments_within_the_fold(root: Path) -> None:
    fold = pin_fold(1, FOLDS, "charades-sta", root, None, None)
    data = DataSource("charades-sta", str(root), annotated=AnnotatedPart(0.5), fold=fold)
    few, whole = open_source(data), open_dataset("charades-sta", root, fold=fold)
    assert few.splits["test"] == whole.splits["test"]
    assert {q.query_id for q in (*few.splits["train"], *few.unlabelled)} == {q.query_id for q in whole.splits["train"]}
    assert len(few.unlabelled) > 0
    assert known_moments(data) == whole.splits["train"]


def test_part_of_the_annotation_by_folds(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emtm.distillation.study.run_jobs", in_this_process)
    command = [
        *("reproduce", *options(root), f"--folds={FOLDS}", "--seeds=1", "--annotated=0.5", "--teachers=vslnet"),
        *("--ablate=student-alone,both", f"--out={tmp_path / 'half'}", *small("vslnet.", "emtm.", "emtm-student.")),
    ]
    assert run(*command) == 0
    summary = summary_of(tmp_path / "half")
    assert summary["dataset"].endswith("+50%-annotated+2-folds")
    assert summary["study"]["data"]["annotated"]["share"] == 0.5
    told = [metrics_of(fold / "students/both-s0")["pseudo"] for fold in fold_dirs(tmp_path / "half")]
    assert all(pseudo["queries"] for pseudo in told)
    right = sum(p["queries"] * p["right"]["r1"]["0.5"] for p in told) / sum(p["queries"] for p in told)
    found = {row["name"]: row["pseudo_right"] for row in summary["rows"]}
    assert found == {"student-alone": None, "both": pytest.approx(right)}


def test_public_features_are_known_by_how_many_and_how_wide_they_are(root: Path) -> None:
    data = DataSource("charades-sta", str(root), str(root / "features" / FEATURES))
    assert "488fdf2" in features_source(data, 1334, 512)
    assert features_source(data, 1334, 500) == f"{FEATURES}, 500 wide, of an origin that is not stated"


def test_a_run_whose_answers_are_gone_is_named(study: Path, tmp_path: Path) -> None:
    shutil.copytree(fold_dirs(study)[0] / "students/full-s0", tmp_path / "run")
    (tmp_path / "run/tested.json").write_text("{}")
    with pytest.raises(UserError, match=r"tested\.json"):
        read_tested(tmp_path / "run", ())
