"""What teachers bring beside how right they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cli.app import main
from bench.report.content.few_labels import read_few_labels
from bench.report.content.pareto import Interval
from bench.report.content.rightness import lessons
from bench.report.content.study import read_study
from bench.report.figures.rightness import rightness_figures
from tests.report.few import summary

REFERENCE = Path(__file__).parents[2] / "reports" / "reference"
SHARES = REFERENCE / "few-labels-synth-charades-shares.json"
REAL = REFERENCE / "study-charades-clip-half.json"


def test_a_lesson_has_what_teachers_are_ahead_by_and_what_that_brings(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary()), "utf-8")
    quarter, half = lessons(read_few_labels(path), None)
    assert (quarter.name, quarter.right, quarter.alone, quarter.ahead) == ("both, 25 %", 70.0, 50.0, 20.0)
    assert quarter.gain == Interval(5.0, 8.0, 11.0)
    assert (half.ahead, half.gain) == (10.0, Interval(-1.0, 4.0, 9.0))


def test_a_study_by_folds_has_intervals_over_videos() -> None:
    study = read_study(REAL)
    found = lessons(None, study)
    assert [one.name for one in found] == ["both", "pseudo-smoothed"]
    assert not any(one.synthetic for one in found)
    assert study.folds is not None
    for one in found:
        measure = next(m for metric, m in study.folds.rows[one.name].items() if metric.key == "r1_0.5")
        assert measure.over_alone is not None
        assert (one.gain.low, one.gain.high) == measure.over_alone.ci95
    assert lessons(None, read_study(REFERENCE / "study-charades-clip-emtm.json")) == []


def test_the_figure_marks_real_features_and_says_every_number() -> None:
    found = lessons(read_few_labels(SHARES), read_study(REAL))
    (figure,) = rightness_figures(found)
    assert figure.plot is not None
    (panel,) = figure.plot.panels
    assert [dot.shape for dot in panel.dots] == ["circle" if one.synthetic else "square" for one in found]
    assert all(one.name in figure.alt for one in found)
    assert len({dot.tone for dot in panel.dots}) == 2
    assert rightness_figures(found[:2]) == []
    longer = [replace(one, name=one.name + "x" * 300) for one in found]
    assert rightness_figures(longer)[0].svg.count("<svg") == 1


def test_one_study_of_each_kind_makes_one_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    asked = ["--study", str(SHARES), "--study", str(REAL), "--out", str(out), "--json"]
    assert main(["report", *asked]) == 0
    assert json.loads(capsys.readouterr().out)["studies"] == [REAL.as_posix(), SHARES.as_posix()]
    assert (out / "figures" / "teachers-right.svg").is_file()
    assert main(["report", "--study", str(SHARES), "--study", str(SHARES), "--out", str(out)]) == 2
    assert "are both studies of part of the annotation" in capsys.readouterr().err
