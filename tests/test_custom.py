"""From twenty videos of a stranger's to a report, by commands, in three layouts; no benchmark's name in any of it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bench.measures.quality import measure
from bench.missing import Missing
from bench.report.sections.accuracy_published import published_tables
from bench.report.sections.tradeoff import accuracy_tables
from emtm.cli import app
from emtm.data.benchmarks import BENCHMARKS
from emtm.training.runs import load_run
from tests.own import WIDTH, Layout, make_folder
from tests.processes import outside_xdist
from tests.report.records import content, trained_case

ROOT = Path(__file__).resolve().parents[1]
LAYOUTS: tuple[Layout, ...] = ("npy", "npz", "hdf5")
GROUND = ("--duration", 30, "--query", "she opens the oven")
SMALL = ("--set", "epochs=1", "--set", "dim=16", "--threads", "1")
NAMES = [name for known in BENCHMARKS.values() for name in (known.name, known.title)]


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMTM_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("COLUMNS", "200")
        yield


def emtm(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 0, (result.stderr, result.exception)
    return result.stdout


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 2, result.stdout
    return str(result.stderr)


@pytest.fixture(scope="module", params=LAYOUTS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    layout: Layout = request.param
    return make_folder(tmp_path_factory.mktemp(layout) / "kitchen", layout)


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Prepared and trained."""
    said = emtm("prepare", "custom", "--root", folder)
    assert (
        "ready to train" in said and "wrong: nothing" in said and "queries.jsonl (own JSON lines): 40 queries" in said
    )
    emtm("train", "emtm-student", "--dataset", "custom", "--root", folder, *SMALL, "--out", folder.parent / "run")
    return folder.parent / "run"


def test_a_run_bears_the_name_and_the_splits_of_the_folder(run: Path, folder: Path) -> None:
    stored = json.loads((run / "run.json").read_text())
    assert (stored["dataset"], stored["config"]["feature_dim"]) == ("kitchen", WIDTH)
    splits = json.loads((run / "splits.json").read_text())
    assert sorted(video for part in splits.values() for video in part) == [f"kitchen-{i:02d}" for i in range(20)]
    found = json.loads(emtm("evaluate", run))
    assert (found["dataset"], found["published"], found["official"]) == ("kitchen", [], None)
    assert found["queries"] == 2 * len(splits["test"])
    assert any("word vectors" in note and "costs accuracy" in note for note in found["notes"])
    assert not any(name in text for name in NAMES for text in map(Path.read_text, run.glob("*.json")))
    assert "on kitchen (test" in emtm("evaluate", run, "--table")


def test_words_are_learned_with_the_rest(run: Path) -> None:
    loaded = load_run(run)
    table = loaded.model.get_parameter("encoder.embedding.words.vectors")
    began = loaded.vocabulary.lexicon_to_learn(loaded.config.word_dim, loaded.seed).vectors
    assert table.requires_grad and table.shape == began.shape
    assert not table.equal(began)


def test_predictions_of_anybody_are_scored_under_the_name(run: Path, folder: Path) -> None:
    tested = set(json.loads((run / "splits.json").read_text())["test"])
    lines = [json.loads(line) for line in (folder / "queries.jsonl").read_text().splitlines()]
    predictions = folder.parent / "predictions.jsonl"
    answers = [
        {"video_id": line["video_id"], "query": line["query"], "moments": [[line["start"], line["end"], 1]]}
        for line in lines
    ]
    predictions.write_text("\n".join(json.dumps(one) for one in answers if one["video_id"] in tested))
    options = (predictions, "--dataset", "custom", "--annotations", folder)
    found = json.loads(emtm("score", *options, "--json"))
    assert (found["dataset"], found["split"], found["miou"]) == ("kitchen", "test", 100)
    assert found["published"] == [] and "query_only" in found["floors"]
    assert " on mine" in emtm("score", *options, "--name", "mine")
    predictions.write_text("\n".join(map(json.dumps, answers)))
    whole = ("--annotations", folder / "queries.jsonl", "--name", "all-of-it", "--json")
    found = json.loads(emtm("score", predictions, "--dataset", "custom", *whole))
    assert (found["dataset"], found["queries"], found["miou"]) == ("all-of-it", 40, 100)


def test_the_report_shows_the_name_and_nobody_s_figures(run: Path) -> None:
    quality = measure(run, 0)
    case = trained_case("kitchen", synthetic=False, r1=quality.r1, r5=quality.r5, by_kind=quality.by_kind)
    shown = content(replace(case, quality=quality))
    (table,) = accuracy_tables(shown)
    assert table.title == "Accuracy and cost on kitchen"
    assert isinstance(quality.official, Missing) and published_tables(shown) == []


def test_videos_that_were_trained_on_are_not_tested_on(run: Path, folder: Path) -> None:
    path = folder / "queries.jsonl"
    sound = path.read_text()
    splits = json.loads((run / "splits.json").read_text())
    moved = {splits["train"][0]: "test", splits["test"][0]: "train"}
    of = {video: split for split, videos in splits.items() for video in videos} | moved
    lines = [json.loads(line) for line in sound.splitlines()]
    path.write_text("\n".join(json.dumps({**line, "split": of[line["video_id"]]}) for line in lines))
    (folder / "custom.manifest.json").unlink()
    said = refused("evaluate", run)
    path.write_text(sound)
    emtm("prepare", "custom", "--root", folder)
    assert f"1 videos that are in test now, {splits['train'][0]} first, were trained on" in said


def test_no_benchmark_s_name_is_taken(run: Path, folder: Path, tmp_path: Path) -> None:
    options = ("emtm-student", "--root", folder, "--out", tmp_path / "run", *SMALL)
    said = refused("train", *options, "--dataset", "custom", "--name", "Charades-STA")
    assert "'Charades-STA' is the name of a dataset that others know" in said
    assert "--name is for --dataset custom" in refused("train", *options, "--dataset", "charades-sta", "--name", "x")
    assert not (tmp_path / "run").exists()


def test_a_width_that_the_user_sets_is_what_the_files_must_have(folder: Path, tmp_path: Path) -> None:
    options = ("--dataset", "custom", "--root", folder, "--out", tmp_path / "run", *SMALL, "--set", "feature_dim=9")
    assert f"the features are {WIDTH} wide, not 9" in refused("train", "emtm-student", *options)


@pytest.mark.slow
def test_five_commands_to_the_report(tmp_path: Path) -> None:
    """As the README has them, from the root of the tree, in processes of their own."""
    make_folder(tmp_path / "kitchen", "npz")
    data, out = ("--root", tmp_path / "kitchen"), tmp_path / "runs" / "kitchen"
    bench = (*("bench/", "--benchmark-only", "--bench-profile", "smoke", "-k", "kitchen", "--runs", out.parent), "-q")
    commands: list[tuple[object, ...]] = [
        ("emtm", "prepare", "custom", *data),
        ("emtm", "train", "emtm-student", "--dataset", "custom", *data, "--threads", 1, "--out", out),
        (
            "emtm",
            "predict",
            out,
            "--video",
            tmp_path / "kitchen/features/kitchen-00.npz",
            "--duration",
            30,
            "--query",
            "she opens the oven",
        ),
        ("pytest", *bench, "--run-file", tmp_path / "run.json"),
        ("bench.report", tmp_path / "run.json", "--out", tmp_path / "report"),
    ]
    for command in commands:
        words = [sys.executable, "-m", *map(str, command)]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT, env=outside_xdist())
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["r1"]["0.5"] > 20 + max(floor["r1"]["0.5"] for floor in metrics["floors"].values())
    report = (tmp_path / "report" / "report.md").read_text()
    assert "Accuracy and cost on kitchen" in report
    assert not any(name.lower() in report.lower() for name in NAMES)
