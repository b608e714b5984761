"""A study by folds in the report: tables of its own, with intervals over videos, and nothing published beside."""

import json
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.report.content.study import Study, read_study
from bench.report.document import build
from bench.report.formats.folder import report_files
from bench.report.formats.markdown import table_markdown
from bench.report.sections.study import section
from bench.report.sections.study_tables import study_tables
from emtm.errors import UserError
from emtm.metrics.metric import METRICS
from tests.report.conftest import Doc
from tests.report.studies import example_summary

SOURCE = "CLIP of some videos: https://example.org at commit 0123"


def clustered(mean: float, low: float, high: float) -> Doc:
    return {"mean": mean, "ci95": [low, high]}


def folded() -> Doc:
    """The example of a study, made one by folds; its figures are by hand."""
    doc: Doc = json.loads(json.dumps(example_summary()))
    del doc["aggregation"]
    doc |= {"dataset": "charades-sta+5-folds", "synthetic": False, "queries": 3720}
    names = [row["name"] for row in doc["rows"]]
    for row in doc["rows"]:
        for metric in METRICS:
            row[metric.key] |= {
                "ci95": [row[metric.key]["mean"] - 1.5, row[metric.key]["mean"] + 2.5],
                "over_best_floor": {"floor": "fixed_best", **clustered(9.0, 7.25, 10.5)},
            }
            gain = row[metric.key].get("over_student_alone")
            if gain:
                gain["ci95"] = [-0.5, 1.25]
    doc["folds"] = {
        "of": 5,
        "videos": 1334,
        "pool_sha256": "0" * 64,
        "source": SOURCE,
        "notes": ["pool: all"],
        "parts": [],
        "pairs": [
            {"row": a, "over": b, **{metric.key: clustered(-1.5, -2.75, -0.5) for metric in METRICS}}
            for a, b in ((names[0], names[1]), (names[0], names[2]))
        ],
    }
    return doc


def read(doc: Doc, folder: Path) -> Study:
    path = folder / "summary.json"
    path.write_text(json.dumps(doc))
    return read_study(path)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return read(folded(), tmp_path_factory.mktemp("folds"))


def test_tables_say_how_many_folds_of_what_and_where_features_are_from(study: Study) -> None:
    tables = study_tables(study)
    assert {table.title.partition(" on ")[2] for table in tables} == {"charades-sta, 5 folds by video of 1,334 videos"}
    (models,) = [table for table in tables if table.title.startswith("Models on")]
    assert SOURCE in models.caption
    assert "no published figure compares" in models.caption
    assert "3,720 queries, each tested once" in models.caption


def test_intervals_are_those_over_videos(study: Study) -> None:
    text = "\n".join(table_markdown(table) for table in study_tables(study))
    (row,) = [line for line in text.splitlines() if line.startswith("| full ") and "+9.0" in line]
    assert "80.2 [78.7, 82.7]" in row
    assert "+9.0 [+7.2, +10.5]" in row
    assert "[-0.5, +1.2]" in row
    assert "±" not in row
    assert "-1.5 [-2.8, -0.5]" in text
    (floor,) = [line for line in text.splitlines() if line.startswith("| floor: fixed-best ")]
    assert "27.1" in floor and "29.4" in floor


def test_a_report_shows_nothing_published_and_no_figure_of_seeds(study: Study) -> None:
    report = build([], [], [study])
    assert report.figures == []
    text = report_files(report)["report.md"].decode()
    assert "Published on" not in text
    assert "resample videos" in text
    assert "with nothing published" in text
    assert section(report.content).key == "study"


def test_csv_has_the_ends_of_the_intervals(study: Study) -> None:
    table = report_files(build([], [], [study]))["study.csv"].decode()
    header = table.splitlines()[0].split(",")
    assert {"miou.ci95_low", "miou.over_best_floor.mean", "r1_0.5.over_student_alone.ci95_high"} <= set(header)


def test_how_many_pseudo_moments_were_right_is_said_of_a_row(tmp_path: Path) -> None:
    doc = folded()
    doc["rows"][0]["pseudo_right"] = 31.24
    text = report_files(build([], [], [read(doc, tmp_path)]))["report.md"].decode()
    assert "another model, without teachers; 31.2 % of its pseudo-moments are right |" in text


def test_a_summary_by_folds_that_lacks_its_intervals_is_damaged(tmp_path: Path) -> None:
    doc = folded()
    del doc["rows"][0]["miou"]["over_best_floor"]
    with pytest.raises(UserError, match="damaged: vslnet, miou: lacks over_best_floor"):
        read(doc, tmp_path)
    doc = folded()
    doc["folds"]["videos"] = "many"
    with pytest.raises(UserError, match=r"damaged: folds\.videos"):
        read(doc, tmp_path)


def test_the_command_reports_it(tmp_path: Path, study: Study) -> None:
    assert main(["report", "--study", study.path, "--out", str(tmp_path / "out")]) == 0
    assert "5 folds by video of 1,334 videos" in (tmp_path / "out" / "report.md").read_text()
