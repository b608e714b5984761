"""`reproduce` with part of the annotation: variants, draws, the summary, its family of tests, its bill."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from bench.report.content.few_labels import read_few_labels
from emtm.data.annotated import AnnotatedPart
from emtm.distillation.few_labels import FewLabels
from emtm.distillation.study import Study
from emtm.distillation.variants import FEW, make_variant
from emtm.errors import UserError
from emtm.metrics.paired import holm, paired_difference, paired_p_value
from emtm.training.runs import read_spec
from emtm.training.spec import DataSource
from tests.distillation.few import run

SIZES = ("dim=16", "char_dim=4", "batch_size=128", "epochs=1")
STUDY = [
    "reproduce",
    "--dataset=smoke",
    "--teachers=vslnet",
    "--ablate=student-alone,both,both:vslnet,pseudo-smoothed,self-teacher,all-labels",
    "--seeds=2",
    "--annotated=0.25",
    *(f"--set={model}.{size}" for model in ("vslnet", "emtm", "emtm-student") for size in SIZES),
]


@pytest.mark.slow
def test_a_study_of_part_of_the_annotation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "study"
    assert run(*STUDY, f"--out={out}", "--json") == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert summary == json.loads((out / "summary.json").read_text())
    assert [row.name for share in read_few_labels(out / "summary.json").shares for row in share.rows] == [
        row["name"] for row in summary["shares"][0]["rows"]
    ]
    (part,) = summary["shares"]
    rows = {row["name"]: row for row in part["rows"]}
    assert set(rows) == {"student-alone", "both", "both:vslnet", "pseudo-smoothed", "self-teacher"}
    # Of one teacher there is no other to leave out.
    assert rows["both:vslnet"]["r1_0.5"] == rows["both"]["r1_0.5"]
    assert rows["both:vslnet"]["what"] == "both, taught by vslnet alone"
    assert part["queries"] == {"train": 400, "val": 64, "unlabelled": 1200}
    tests = {(test["variant"], test["over"]): test for test in part["comparisons"]}
    assert {("both", "self-teacher"), ("both", "both:vslnet")} <= {*tests}
    alone, both = rows["student-alone"]["r1_0.5"]["values"], rows["both"]["r1_0.5"]["values"]
    gain = tests["both", "student-alone"]["difference"]
    assert gain["mean"] == pytest.approx(sum(b - a for a, b in zip(alone, both, strict=True)) / 2)
    assert all(test["p_holm"] >= test["p"] for test in tests.values())
    assert part["bill"]["teacher_s"]["vslnet"] > 0
    assert part["bill"]["labels_s"] > 0
    assert rows["both"]["pseudo_right"] is not None
    assert rows["student-alone"]["pseudo_right"] is None
    folder = out / "share-0.25-draw-0"
    assert read_spec(folder / "teachers/vslnet").data.annotated == AnnotatedPart(0.25)
    # Each seed's student is taught by the student alone of its own seed.
    for seed in (0, 1):
        (own,) = read_spec(folder / f"students/self-teacher-s{seed}").data.soft_labels
        assert f"student-alone-s{seed}" in own.path
    assert read_spec(out / "share-1/students/student-alone-s1").data.annotated is None
    assert summary["all_labels"]["runs"] == [{"draw": 0, "seed": 0}, {"draw": 0, "seed": 1}]


def test_parts_differ_in_their_annotation_and_hold_out_from_teachers_alone() -> None:
    study = Study(DataSource("smoke"), None, (0,), ("vslnet",), ("student-alone", "both", "all-labels"), hold_out=0.2)
    few = FewLabels(study, (0.1, 0.5), 2)
    assert [(share, draw) for _, share, draw, _ in few.parts()] == [(0.1, 0), (0.1, 1), (0.5, 0), (0.5, 1)]
    _, _, _, part = few.parts()[3]
    assert part.ablations == ("student-alone", "both")
    assert part.spec("emtm", 0).data.annotated == AnnotatedPart(0.5, 1)
    assert part.teacher_spec("vslnet").data.annotated == AnnotatedPart(0.4, 1)
    assert few.reference is not None
    assert few.reference.data.annotated is None
    assert few.reference.teachers == ()


def test_every_variant_has_its_teachers() -> None:
    for name in FEW:
        variant = make_variant(name, ["a", "b"], None)
        assert variant.teachers in (("a", "b"), (name,))
        assert (variant.pseudo_weight == 0) == (name == "soft")
    one = make_variant("both:b", ["a", "b"], None)
    assert one == replace(make_variant("both", ["a", "b"], None), name="both:b", teachers=("b",))
    assert one.what == "both, taught by b alone"
    for name in ("both:c", "both:"):
        with pytest.raises(UserError, match="unknown"):
            make_variant(name, ["a", "b"], None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--annotated=0.25,2"], "at most 1"),
        (["--draws=2"], "give --annotated"),
        (["--annotated=0.5", "--hold-out=1"], "below 1"),
        (["--annotated=0.5", "--ablate=both"], "name it in --ablate"),
        (["--annotated=0.5", "--ablate=student-alone,bth"], "unknown ablation"),
    ],
)
def test_mistakes(arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reproduce", "--dataset=smoke", "--teachers=vslnet", *arguments, f"--out={tmp_path / 'x'}") == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_p_is_that_of_the_paired_t_test() -> None:
    ours, theirs = {0: 3.0, 1: 5.0, 2: 4.0, 7: 9.0}, {0: 1.0, 1: 2.0, 2: 4.5, 8: 0.0}
    expected = stats.ttest_rel([3.0, 5.0, 4.0], [1.0, 2.0, 4.5]).pvalue
    assert paired_p_value(ours, theirs) == pytest.approx(expected)
    assert paired_difference(ours, theirs) is not None
    assert paired_p_value({0: 1.0}, {0: 2.0}) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
