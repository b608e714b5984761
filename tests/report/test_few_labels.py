"""A study of part of the annotation as a reader sees it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.cli.app import main
from bench.report.content.content import gather
from bench.report.content.few_labels import FewLabels, read_few_labels
from bench.report.figures.few_labels import few_labels_figures
from bench.report.sections.few_labels import section
from emtm.errors import UserError
from tests.report.few import part, row, summary


def written(folder: Path, doc: dict[str, Any]) -> Path:
    path = folder / "summary.json"
    path.write_text(json.dumps(doc), "utf-8")
    return path


@pytest.fixture
def study(tmp_path: Path) -> FewLabels:
    return read_few_labels(written(tmp_path, summary()))


def test_a_table_for_each_share_fewest_annotations_first(study: FewLabels) -> None:
    found = section(gather([], [], [study]))
    _, quarter, beside, half, _ = found.tables
    assert quarter.title == "25 % of the videos annotated, synth-charades (synthetic)"
    assert "250 annotated queries, 750 without a moment" in quarter.caption
    assert "The teachers and their labels took 100 s a draw." in quarter.caption
    alone, both, teacher, everything = quarter.rows
    assert [cell.text for cell in both] == [
        *("both", "2", "58.0 ± 1.0", "58.0 ± 1.0", "+8.0 ± 3.0", "0.012", "70.0 %", "60.0 s", "what both is"),
    ]
    assert [cell.text for cell in teacher[:4]] == ["teacher: vslnet", "2", "61.5 ± 6.4", "61.5 ± 6.4"]
    assert (alone[4].text, alone[5].text, everything[0].text) == ("", "—", "all-labels")
    assert beside.title == "Beside what differs in one thing, 25 % annotated"
    assert [[cell.text for cell in line] for line in beside.rows] == [
        ["both", "self-teacher", "+1.5 ± 6.0", "+1.0, +2.0", "0.300"]
    ]
    assert half.rows[1][4].note == "the interval holds zero: no difference is shown"
    assert quarter.rule_before == 2
    (command,) = found.commands
    assert command.startswith(
        "python -m emtm reproduce --dataset synth-charades --teachers vslnet --ablate student-alone,"
    )
    assert "--seeds 1 --annotated 0.25,0.5 --draws 2 --set vslnet.dim=32 --out " in command
    assert any("1 seed and 2 draws" in line for line in found.limits)


def test_gains_by_share_with_what_is_left_of_the_way_to_every_moment(study: FewLabels) -> None:
    gains, *_ = section(gather([], [], [study])).tables
    assert [[cell.text for cell in line] for line in gains.rows] == [
        ["25 %", "250", "both", "58.0 ± 1.0", "+8.0 ± 3.0", "40 %", "0.012", "70.0 %", "61.5"],
        ["50 %", "500", "both", "64.0 ± 1.0", "+4.0 ± 5.0", "40 %", "0.012", "70.0 %", "61.5"],
    ]
    assert gains.rows[1][4].note == "the interval holds zero: no difference is shown"
    alone = replace(study, everything=None)
    assert section(gather([], [], [alone])).tables[0].rows[0][5].note == "not known"
    untold = replace(study, shares=tuple(replace(share, teachers=()) for share in study.shares))
    found = section(gather([], [], [untold])).tables[0]
    assert (found.rows[0][8].note, found.caption[-15:]) == ("the summary does not say", "would bring it.")
    one = replace(study, shares=study.shares[:1])
    assert section(gather([], [], [one])).tables[0].title.startswith("25 % of the videos annotated")


def test_the_figure_has_accuracy_against_the_share(study: FewLabels) -> None:
    (found,) = few_labels_figures(study)
    assert found.plot is not None
    (panel,) = found.plot.panels
    assert [(path.name, path.points) for path in panel.paths] == [
        ("student-alone", ((0.25, 50.0), (0.5, 60.0))),
        ("both", ((0.25, 58.0), (0.5, 64.0))),
    ]
    assert [rule.text for rule in panel.rules] == ["every moment annotated 70.0 %"]
    assert panel.dots[1].told == (
        "both, 25 % annotated: R1@0.5 58.0 ± 1.0 %, +8.0 ± 3.0 over the student alone; teachers and labels 100 s a "
        "draw, its training 60.0 s"
    )
    assert panel.dots[1].y.low == 57.0
    assert "at 25 %: student-alone 50.0 ± 1.0, both 58.0 ± 1.0" in found.alt


def test_the_command_takes_either_kind_of_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path, summary()), tmp_path / "report"
    run = Path(__file__).with_name("example_run.json")
    assert main(["report", str(run), "--study", str(path), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["studies"] == [path.as_posix()]
    text = (out / "report.md").read_text("utf-8")
    assert "What teachers are worth where few moments are annotated" in text and "+8.0 ± 3.0" in text
    assert (out / "figures" / "few-labels.svg").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "emtm-few-labels/2"}, "which is not one this suite reads"),
        ({"format": "other/1"}, "is not the summary.json of a study"),
        ({"shares": []}, "is damaged: shares"),
        ({"shares": [part(0.5, 1, 2, (1, 1))] * 2}, "two parts have the same share"),
        (
            {"shares": [{**part(0.5, 1, 2, (1, 1)), "rows": [row("a", 1)] * 2}]},
            "share 0.5: two rows have the same name",
        ),
        ({"all_labels": {key: value for key, value in row("x", 1).items() if key != "miou"}}, "x lacks miou"),
    ],
)
def test_what_is_no_such_summary_is_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        read_few_labels(written(tmp_path, {**summary(), **change}))
