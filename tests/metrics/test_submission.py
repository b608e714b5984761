"""Predictions of any program through the command line, on a small Charades-STA folder."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from typer.testing import CliRunner

from emtm.cli import app
from emtm.data.benchmarks import BENCHMARKS, Benchmark, Count
from tests.shared import SHARED, needs_shared

TEXTS = ("a person opens the door.", "person sits down.")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "charades"
    root.mkdir()
    durations: dict[str, object] = {}
    lines: dict[str, list[str]] = {"train": [], "test": []}
    for i in range(16):
        video, split = f"V{i:03d}", "train" if i < 12 else "test"
        durations[video] = {"duration": 20.0}
        lines[split] += [f"{video} {i % 4:.1f} {i % 4 + 8:.1f}##{text}" for text in TEXTS]
    (root / "charades.json").write_text(json.dumps(durations))
    for split, rows in lines.items():
        (root / f"charades_sta_{split}.txt").write_text("\n".join(rows) + "\n")
    return root


@pytest.fixture
def predictions(folder: Path) -> Path:
    """The truth for the first sentence; the first five of its eight seconds for the second."""
    lines = [
        {"video_id": f"V{i:03d}", "query": text, "moments": [[i % 4, i % 4 + length, 1.0]]}
        for i in range(12, 16)
        for text, length in zip(TEXTS, (8, 5), strict=True)
    ]
    path = folder / "predictions.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def score(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def scored(*arguments: object) -> dict[str, Any]:
    result = score(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def of(folder: Path) -> tuple[object, ...]:
    return ("--dataset", "charades-sta", "--annotations", folder / "charades_sta_test.txt")


def test_json_has_what_other_programs_read(folder: Path, predictions: Path) -> None:
    found = scored(predictions, *of(folder))
    assert (found["dataset"], found["split"], found["queries"]) == ("charades-sta", "test", 8)
    assert found["protocol"] == "timestamp"
    assert found["r1"] == {"0.3": 100, "0.5": 100, "0.7": 50}
    assert found["miou"] == pytest.approx(100 * (1 + 5 / 8) / 2)
    assert found["ci95"]["r1"]["0.7"] == [50, 50]
    assert {"fixed_best", "drawn_from_train", "query_only"} <= found["floors"].keys()
    assert "features" in found["floors_reason"]
    assert found["comparison"] == "IoU >= m"
    assert not found["synthetic"]
    assert (found["published"], found["official"]) == ([], None)
    assert found["official_reason"]


def test_a_folder_stands_for_its_test_file(folder: Path, predictions: Path) -> None:
    whole = scored(predictions, "--dataset", "charades-sta", "--annotations", folder)
    assert whole == scored(predictions, *of(folder))


def test_index_protocol_and_ceiling(folder: Path, predictions: Path) -> None:
    # Clips of 10 s: the moments [0, 8] to [3, 11] become [0, 10].
    found = scored(predictions, *of(folder), "--protocol", "index", "--clips", 2)
    expected = [(min(i + length, 10) - i) / max(10, i + length) for i in range(4) for length in (8, 5)]
    assert found["miou"] == pytest.approx(100 * np.mean(expected))
    oracle = [(8 - max(i - 2, 0)) / max(10, i + 8) for i in range(4)]
    assert found["ceiling"]["miou"] == pytest.approx(100 * np.mean(oracle))
    (folder / "feature_shapes.json").write_text(json.dumps({f"V{i:03d}": 1 for i in range(12, 16)}))
    short = scored(
        predictions, *of(folder), "--protocol", "index", "--clips", 2, "--clip-counts", folder / "feature_shapes.json"
    )
    assert short["miou"] == pytest.approx(100 * (8 / 20 + 5 / 20) / 2)


def test_ceilings_need_no_predictions(folder: Path) -> None:
    found = scored("--ceiling", *of(folder), "--clips", 20, "--clips", 2)
    assert [row["clips"] for row in found["ceilings"]] == [20, 2]
    assert found["ceilings"][0]["miou"] == pytest.approx(100, abs=1e-4)


def test_strictness(folder: Path, predictions: Path) -> None:
    lines = [json.loads(line) for line in predictions.read_text().splitlines()]
    for line in lines:
        line["moments"][0][1] = line["moments"][0][0] + 4
    predictions.write_text("\n".join(map(json.dumps, lines)))
    assert scored(predictions, *of(folder))["r1"]["0.5"] == 100
    strict = scored(predictions, *of(folder), "--ties", "strict")
    assert (strict["r1"]["0.5"], strict["comparison"]) == (0, "IoU > m")
    assert scored(predictions, *of(folder), "--strict") == strict


def test_the_table_shows_five_moments_where_there_are_five(folder: Path, predictions: Path) -> None:
    lines = [json.loads(line) for line in predictions.read_text().splitlines()]
    assert "R5@" not in score(predictions, *of(folder)).stdout.split("Published, not measured here")[0]
    for line in lines:
        line["moments"] += [[15, 20, 0.5]] * 3 + [[*line["moments"][0][:1], 12, 0.1]]
    predictions.write_text("\n".join(map(json.dumps, lines)))
    # The second sentence is about [i, i + 8]: IoUs of 8/12, 8/11, 8/10 and 8/9.
    assert scored(predictions, *of(folder))["r5"]["0.7"] == 87.5
    text = score(predictions, *of(folder)).stdout
    assert [text.count(f"R5@{m}") for m in ("0.3", "0.5", "0.7")] == [1, 1, 1]


def test_a_published_evaluator_and_what_overrules_it(folder: Path, predictions: Path) -> None:
    found = scored(predictions, *of(folder), "--as", "2d-tan")
    assert found["conventions"] == {
        "as": "2d-tan",
        "ends": "clip",
        "empty": "drop",
        "ties": "strict",
        "missing": "refuse",
        "order": "file",
        "slack": 0,
        "union_s": 0,
    }
    overruled = scored(predictions, *of(folder), "--as", "2d-tan", "--ends", "keep", "--ties", "inclusive")
    assert (overruled["conventions"]["ends"], overruled["comparison"]) == ("keep", "IoU >= m")
    assert scored(predictions, *of(folder))["conventions"]["as"] is None
    refused = score(predictions, *of(folder), "--as", "seqpan")
    assert (refused.exit_code, "needs --clips" in refused.stderr) == (2, True)
    assert scored(predictions, *of(folder), "--as", "seqpan", "--clips", 20)["protocol"] == "index"


def test_conventions_reach_the_annotations_the_floors_and_the_ceiling(folder: Path, predictions: Path) -> None:
    path = folder / "charades_sta_test.txt"
    path.write_text(path.read_text().replace("V012 0.0 8.0", "V012 12.0 24.0").replace("V013 1.0 9.0", "V013 9.0 9.0"))
    clipped = scored(predictions, *of(folder), "--clips", 1)
    kept = scored(predictions, *of(folder), "--clips", 1, "--ends", "keep", "--empty", "keep")
    assert (clipped["queries"], kept["queries"]) == (6, 8)
    assert clipped["floors"] != kept["floors"]
    assert clipped["ceiling"]["miou"] > kept["ceiling"]["miou"]
    assert "2 ends kept beyond the duration; 2 empty or inverted moments kept" in kept["notes"][0]


def test_missing_predictions_are_misses_if_asked(folder: Path, predictions: Path) -> None:
    lines = predictions.read_text().splitlines()
    predictions.write_text("\n".join(lines[:6]))
    assert score(predictions, *of(folder)).exit_code == 2
    found = scored(predictions, *of(folder), "--missing", "miss")
    assert (found["queries"], found["missing"], found["r1"]["0.3"]) == (8, 2, 75)
    text = score(predictions, *of(folder), "--missing", "miss").stdout
    assert "note: 2 of 8 queries have no prediction" in text and "count as misses" in text


def test_tables_keep_published_figures_apart(folder: Path, predictions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = score(predictions, *of(folder), "--clips", 64).stdout
    assert "Published" not in mine and "†" not in mine  # a benchmark's name, and eight queries of anybody's
    charades = BENCHMARKS["charades-sta"]
    small = replace(charades, counts={**charades.counts, "test": (Count(8, 4, "official"),)})
    monkeypatch.setitem(cast("dict[str, Benchmark]", BENCHMARKS), "charades-sta", small)
    text = score(predictions, *of(folder), "--clips", 64).stdout
    measured, published = text.split("Published, not measured here")
    assert "73.84†" in published
    assert "†" not in measured and "?" not in published
    for expected in ("floor: query_only", "ceiling of 64 clips", "protocol timestamp, IoU >= m", "over the best floor"):
        assert expected in measured


def test_without_training_annotations_there_are_no_floors(folder: Path, predictions: Path) -> None:
    (folder / "charades_sta_train.txt").unlink()
    found = scored(predictions, *of(folder))
    assert found["floors"] == {}
    assert "no training annotations" in found["floors_reason"]
    assert "no floors" in score(predictions, *of(folder)).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "charades-stab"], "did you mean 'charades-sta'"),
        (["--dataset", "charades-sta"], "needs --annotations"),
        (["--dataset", "smoke", "--annotations", "x.txt"], "takes no annotation file"),
        (["--dataset", "charades-sta", "--annotations", "absent.txt"], "cannot read absent.txt"),
        (["--dataset", "smoke", "--split", "tset"], "no split 'tset', only train, val, test"),
    ],
)
def test_what_cannot_be_scored(predictions: Path, arguments: list[str], message: str) -> None:
    result = score(predictions, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_options_that_do_not_fit(folder: Path, predictions: Path) -> None:
    for arguments, message in (
        ((predictions, *of(folder), "--protocol", "index"), "needs --clips"),
        ((predictions, *of(folder), "--protocol", "tiou"), "'tiou' is not one of 'timestamp', 'index'"),
        ((predictions, *of(folder), "--clips", 2, "--clips", 3), "give --clips once"),
        (of(folder), "name a file of predictions"),
        ((predictions, *of(folder), "--as", "tnt"), "'tnt' is not one of 'tgn', 'cbp'"),
        ((predictions, *of(folder), "--ends", "cut"), "'cut' is not one of 'clip', 'keep'"),
        ((predictions, *of(folder), "--strict", "--ties", "inclusive"), "give one of them"),
        ((predictions, *of(folder), "--split", "dev"), "no split 'dev'"),
    ):
        result = score(*arguments)
        assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_bad_line_is_named_and_nothing_is_printed(folder: Path, predictions: Path) -> None:
    predictions.write_text(predictions.read_text() + '\n{"query_id": "V012/7", "moments": [[0, 1, 1]]}')
    result = score(predictions, *of(folder))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "predictions.jsonl, line 9: there is no query 'V012/7'" in result.stderr


@needs_shared
def test_a_file_that_is_another_split_is_refused(predictions: Path) -> None:
    path = SHARED / "data/annotations/activitynet-captions/val_1.json"
    result = score(predictions, "--dataset", "activitynet-captions", "--annotations", path, "--split", "test")
    assert result.exit_code == 2
    assert "val_1" in result.stderr
