"""A stranger's folder from first look to last figure: prepare, train, evaluate, score, all by commands."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WIDTH = 24
SENTENCES = ("person opens the door.", "a person is sitting down on the sofa.", "person starts laughing.")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Charades-STA in its official layout with its quirks, features beside it, a GloVe text file."""
    root = tmp_path_factory.mktemp("stranger") / "charades-sta"
    (root / "features").mkdir(parents=True)
    generator = np.random.default_rng(0)
    lines: dict[str, list[str]] = {"train": [], "test": []}
    durations = {}
    for i in range(30):
        video, split = f"{i:02d}ABC", "train" if i < 22 else "test"
        duration = round(float(generator.uniform(20, 35)), 2)
        durations[video] = {"subset": split, "duration": duration, "actions": [["c092", 11.9, 21.2]]}
        for sentence in SENTENCES:
            start = float(generator.uniform(0, duration - 8))
            lines[split].append(f"{video} {start:.1f} {start + 6:.1f}##{sentence}")
        np.save(root / "features" / f"{video}.npy", generator.random((40 + i, WIDTH)).astype(np.float16))
    last = max(durations, key=lambda video: (durations[video]["subset"] == "train", video))
    end = durations[last]["duration"] + 1.2
    lines["train"] += [f"{last} 8.0 7.0##person is inverted.", f"{last} 10.0 {end:.2f}##person runs on."]
    (root / "charades.json").write_text(json.dumps(durations))
    for split, rows in lines.items():
        (root / f"charades_sta_{split}.txt").write_text("\n".join(rows) + "\n")
    words = {word for rows in lines.values() for row in rows for word in row.split("##")[1].strip(".").split()}
    vectors = [f"{word} " + " ".join(f"{x:.4f}" for x in generator.standard_normal(300)) for word in sorted(words)]
    (root.parent / "glove.840B.300d.txt").write_text("\n".join(vectors[:-1]) + "\n")
    return root


@pytest.fixture(scope="module")
def emtm(tmp_path_factory: pytest.TempPathFactory) -> Any:
    environment = {**os.environ, "EMTM_CACHE": str(tmp_path_factory.mktemp("cache")), "COLUMNS": "200"}

    def emtm(*arguments: object) -> str:
        command = [sys.executable, "-m", "emtm", *map(str, arguments)]
        result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return emtm


@pytest.fixture(scope="module")
def sources(root: Path) -> tuple[object, ...]:
    return ("--root", root, "--glove", root.parent / "glove.840B.300d.txt")


@pytest.fixture(scope="module")
def prepared(root: Path, emtm: Any, sources: tuple[object, ...]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(emtm("prepare", "charades-sta", *sources, "--json"))
    return found


@pytest.fixture(scope="module")
def run(root: Path, emtm: Any, sources: tuple[object, ...], prepared: dict[str, Any]) -> Path:
    out = root.parent / "run"
    emtm(
        "train", "emtm-student", "--dataset", "charades-sta", *sources, "--preset", "compact", "--threads", 1,
        "--set", "epochs=2", "--set", "dim=16", "--out", out,
    )  # fmt: skip
    return out


def test_prepare_counts_what_is_there(prepared: dict[str, Any]) -> None:
    assert prepared["ready"], prepared
    assert prepared["files"]["train"]["annotated"] == 22 * 3 + 2
    assert (prepared["files"]["train"]["empty"], prepared["files"]["train"]["ends_beyond_1s"]) == (1, 1)
    assert prepared["files"]["test"]["queries"] == 8 * 3
    assert prepared["splits"]["val"]["videos"] == 2
    assert prepared["features"] == {"width": WIDTH, "videos": 30, "wanted": 30, "fewest_rows": 40, "most_rows": 69}
    assert prepared["word_vectors"]["unknown"].keys() == {".", "the"}
    manifest = json.loads(Path(prepared["manifest"]).read_text())
    assert manifest["annotations"].keys() == {"charades.json", "charades_sta_train.txt", "charades_sta_test.txt"}
    assert len(manifest["others"]) == 30 + 1


def test_training_and_evaluation_agree_and_say_what_they_are_of(run: Path, emtm: Any) -> None:
    trained = json.loads((run / "metrics.json").read_text())
    found = json.loads(emtm("evaluate", run))
    assert (found["r1"], found["miou"], found["queries"]) == (trained["r1"], trained["miou"], 24)
    assert (found["dataset"], found["synthetic"]) == ("charades-sta", False)
    assert trained["notes"] == found["notes"]
    assert any(
        note.startswith("charades_sta_train.txt (official text): 67 queries of 22 videos") for note in found["notes"]
    )
    assert any("without: '.' (" in note for note in found["notes"])
    assert {"fixed_best", "drawn_from_train", "query_only", "video_only"} <= found["floors"].keys()
    assert (found["published"], found["official"]) == ([], None)  # a benchmark's name, and 24 queries of anybody's
    rounded = json.loads(emtm("evaluate", run, "--protocol", "index"))
    assert rounded["protocol"] == "index"
    table = emtm("evaluate", run, "--table")
    assert "note: charades_sta_test.txt" in table
    assert "Published" not in table


def test_the_run_s_own_predictions_score_as_it_was_evaluated(run: Path, root: Path, emtm: Any) -> None:
    """Every test query through `predict`, written as a stranger would, and scored."""
    durations = {video: entry["duration"] for video, entry in json.loads((root / "charades.json").read_text()).items()}
    lines = []
    for video in sorted(durations)[22:]:
        asked = [part for sentence in SENTENCES for part in ("--query", sentence)]
        answers = emtm(
            "predict", run, "--video", root / f"features/{video}.npy", "--duration", durations[video], *asked
        )
        lines += [
            {"video_id": f"{video}.mp4", "query": answer["query"].upper(), "moments": answer["moments"]}
            for answer in json.loads(answers)["queries"]
        ]
    predictions = root.parent / "predictions.jsonl"
    predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    scored = json.loads(
        emtm(
            "score", predictions, "--dataset", "charades-sta", "--annotations", root / "charades_sta_test.txt", "--json"
        )
    )
    evaluated = json.loads((run / "metrics.json").read_text())
    assert scored["r1"] == pytest.approx(evaluated["r1"])
    assert scored["miou"] == pytest.approx(evaluated["miou"], abs=0.01)
    assert (scored["queries"], scored["split"], scored["protocol"]) == (24, "test", "timestamp")
    assert scored["ci95"]["miou"][0] <= scored["miou"] <= scored["ci95"]["miou"][1]
    assert {"fixed_best", "drawn_from_train", "query_only"} <= scored["floors"].keys()


def test_training_refuses_what_has_changed_since(run: Path, root: Path, emtm: Any, sources: tuple[object, ...]) -> None:
    path = root / "charades_sta_train.txt"
    sound = path.read_text()
    path.write_text(sound.replace("opens", "closes", 1))
    command = [sys.executable, "-m", "emtm", "evaluate", str(run)]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    path.write_text(sound)
    assert refused.returncode == 2
    assert "charades_sta_train.txt" in refused.stderr
    assert "prepare charades-sta" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    emtm("evaluate", run)
