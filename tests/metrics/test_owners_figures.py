"""Public prediction files, scored as their owners scored them, to the last digit that they print."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from emtm.data.annotations import read_annotations
from emtm.metrics.conventions import PUBLISHED
from tests.metrics.test_submission import score, scored
from tests.shared import SHARED, needs_shared

pytestmark = needs_shared

CHARADES = "charades_test__cbp", "charades-sta", "charades-sta/charades_sta_test.txt"
TACOS = "tacos_tall_test__cbp", "tacos", "tacos-tall/test.json"
QVH = "qvh_val__momentdetr_sample", "qvhighlights", "qvhighlights/highlight_val_release.jsonl"
OWNERS = {
    CHARADES: ((53.414, 36.210, 17.984), (80.511, 70.511, 50.269), 35.698, 3),
    TACOS: ((25.863, 23.194, 18.540), (42.346, 35.831, 24.884), 20.464, 3),
    QVH: ((None, 53.94, 34.84), None, None, 2),
}
Case = tuple[str, str, str]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")


def unpacked(case: Case, folder: Path) -> Path:
    path = folder / f"{case[0]}.jsonl"
    path.write_bytes(gzip.decompress((SHARED / f"data/predictions/{case[0]}.jsonl.gz").read_bytes()))
    return path


def of(case: Case, folder: Path) -> tuple[object, ...]:
    """Options of a case; the annotations alone, without training ones, so that no floor is computed."""
    source = SHARED / "data/annotations" / case[2]
    for beside in (source, source.parent / "charades.json"):
        if beside.is_file():
            (folder / beside.name).write_bytes(beside.read_bytes())
    return "--dataset", case[1], "--annotations", folder / source.name


def agrees(found: dict[str, Any], case: Case) -> None:
    r1, r5, miou, digits = OWNERS[case]
    for threshold, value in zip(("0.3", "0.5", "0.7"), r1, strict=True):
        assert value is None or round(found["r1"][threshold], digits) == value
    if r5 is not None:
        assert tuple(round(value, digits) for value in found["r5"].values()) == r5
    if miou is not None:
        assert round(found["miou"], digits) == miou


@pytest.mark.parametrize(
    ("case", "options"),
    [
        (CHARADES, ("--as", "cbp")),
        (CHARADES, ("--as", "tgn")),
        (CHARADES, ("--ends", "keep", "--ties", "strict")),
        (TACOS, ("--as", "cbp")),
        (TACOS, ("--as", "tgn")),
        (QVH, ("--as", "moment-detr")),
        (QVH, ("--as", "lighthouse")),
    ],
)
def test_owners_figures(case: Case, options: tuple[str, ...], tmp_path: Path) -> None:
    found = scored(unpacked(case, tmp_path), *of(case, tmp_path), *options)
    agrees(found, case)
    assert found["missing"] == 0
    # The whole official test set, so that what papers say of it stands beside, with its source.
    assert found["official"] == {CHARADES: "official", TACOS: "TALL split", QVH: "official"}[case]
    assert {entry["read"] for entry in found["published"]} == (set() if case == QVH else {"repository", "issue"})
    assert not any(entry["measured"] for entry in found["published"])
    assert found["conventions"]["as"] == (options[1] if options[0] == "--as" else None)


def test_conventions_alone_move_the_figures(tmp_path: Path) -> None:
    found = scored(unpacked(CHARADES, tmp_path), *of(CHARADES, tmp_path))
    assert round(found["r1"]["0.5"] - 36.210, 2) == 0.78
    assert round(found["r5"]["0.7"] - 50.269, 2) == 2.20


def test_by_video_and_sentence_in_the_order_of_the_annotations(tmp_path: Path) -> None:
    """TACoS has 781 sentences that came before for their video; their answers differ."""
    path = unpacked(TACOS, tmp_path)
    lines = {line["query_id"]: line for line in map(json.loads, path.read_text("utf-8").splitlines())}
    asked = read_annotations(SHARED / "data/annotations" / TACOS[2]).queries
    with path.open("w", encoding="utf-8") as file:
        for query in asked:
            del lines[query.query_id]["query_id"]
            print(json.dumps(lines[query.query_id]), file=file)
    agrees(scored(path, *of(TACOS, tmp_path), "--as", "cbp"), TACOS)


def test_missing_answers_are_counted(tmp_path: Path) -> None:
    path = unpacked(QVH, tmp_path)
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join(lines[31:]), "utf-8")
    refused = score(path, *of(QVH, tmp_path), "--as", "moment-detr")
    assert (refused.exit_code, "31 of 1,550 queries have no prediction" in refused.stderr) == (2, True)
    found = scored(path, *of(QVH, tmp_path), "--as", "moment-detr", "--missing", "miss")
    assert (found["queries"], found["missing"]) == (1550, 31)
    assert "31 of 1,550 queries have no prediction" in found["notes"][0]
    assert found["r1"]["0.5"] < 53.93


def test_evaluators_that_reproduce_a_file_say_so() -> None:
    assert {name for name, published in PUBLISHED.items() if published.reproduces} == {"tgn", "cbp", "moment-detr"}
