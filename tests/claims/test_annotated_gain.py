"""Claims about part of the annotation, on a study by hand: two draws of two seeds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.claims.estimate import Estimate, Part
from bench.claims.estimators.annotated_gain import AnnotatedGain, AnnotatedReach
from bench.claims.evidence import Evidence, gather
from bench.missing import Missing
from emtm.errors import UserError
from tests.report.few import part, row, summary

RUNS = [{"draw": draw, "seed": seed} for draw in (0, 1) for seed in (0, 1)]
ABOUT = {"dataset": "synth-charades", "share": 0.25, "variant": "both", "metric": "R1@0.5"}


def of_runs(name: str, values: list[float]) -> dict[str, Any]:
    found = row(name, 50.0)
    figure = {"values": values, "mean": sum(values) / len(values), "half_width": 1.0, "n": len(values)}
    return {**found, "runs": RUNS[: len(values)], **dict.fromkeys(("r1_0.3", "r1_0.5", "r1_0.7", "miou"), figure)}


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    rows = [of_runs("student-alone", [40.0, 42.0, 44.0, 46.0]), of_runs("both", [50.0, 54.0, 52.0, 52.0])]
    doc = {**summary(), "seeds": [0, 1], "all_labels": of_runs("all-labels", [80.0, 50.0])}
    doc["shares"] = [{**part(0.25, 1.0, 2.0, (1.0, 1.0)), "rows": rows}]
    path = tmp_path / "few.json"
    path.write_text(json.dumps(doc), "utf-8")
    return gather([path])


def only(parts: tuple[Part, ...]) -> Estimate | Missing:
    (found,) = parts
    return found.found


@pytest.mark.parametrize("metric", ["R1@0.3", "R1@0.5", "mIoU"])
def test_a_gain_is_paired_by_draw_and_seed(evidence: Evidence, metric: str) -> None:
    """10, 12, 8 and 6 points: mean 9, standard error 1.291, Student's t 3.182."""
    found = only(AnnotatedGain(**{**ABOUT, "metric": metric}, over=("student-alone",)).parts(evidence))
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(9)
    assert found.high - found.value == pytest.approx(3.182 * 1.291, abs=1e-2)
    assert found.basis == "95 % over 4 runs, paired"
    assert [read.place for read in found.read] == ["0.25 both", "0.25 student-alone"]


def test_what_is_reached_pairs_each_draw_with_the_one_that_has_every_moment(evidence: Evidence) -> None:
    """50/80, 54/50, 52/80 and 52/50."""
    found = only(AnnotatedReach(**ABOUT).parts(evidence))
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx((62.5 + 108 + 65 + 104) / 4)
    assert found.unit == "%"


@pytest.mark.parametrize(
    ("change", "over", "words"),
    [
        ({}, "self-teacher", "has no self-teacher beside both"),
        ({"share": 0.5}, "student-alone", "no study on synth-charades with 50 % annotated has both"),
        ({"dataset": "smoke"}, "student-alone", "no study on smoke with 25 % annotated has both"),
        ({"variant": "soft"}, "student-alone", "has soft"),
    ],
)
def test_what_was_not_studied_is_missing(evidence: Evidence, change: dict[str, Any], over: str, words: str) -> None:
    found = only(AnnotatedGain(**{**ABOUT, **change}, over=(over,)).parts(evidence))
    assert isinstance(found, Missing) and words in found.reason


def test_a_study_without_every_moment_reaches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "few.json"
    path.write_text(json.dumps({**summary(), "all_labels": None}), "utf-8")
    found = only(AnnotatedReach(**ABOUT).parts(gather([path])))
    assert isinstance(found, Missing) and "no student with every moment" in found.reason


def test_rows_whose_values_are_not_those_of_runs_are_damaged(tmp_path: Path) -> None:
    doc = summary()
    doc["shares"][0]["rows"][1]["runs"].pop()
    path = tmp_path / "few.json"
    path.write_text(json.dumps(doc), "utf-8")
    with pytest.raises(UserError, match="both has not one value a run"):
        gather([path])


def test_of_two_studies_the_one_that_has_both_is_read(evidence: Evidence, tmp_path: Path) -> None:
    rows = [of_runs("both", [60.0, 60.0]), of_runs("self-teacher", [50.0, 56.0])]
    doc = {**summary(), "shares": [{**part(0.25, 1.0, 2.0, (1.0, 1.0)), "rows": rows}]}
    path = tmp_path / "other.json"
    path.write_text(json.dumps(doc), "utf-8")
    both = Evidence(few_labels=(*evidence.few_labels, *gather([path]).few_labels))
    found = only(AnnotatedGain(**ABOUT, over=("self-teacher",)).parts(both))
    assert isinstance(found, Estimate) and found.value == pytest.approx(7)
    most = only(AnnotatedGain(**ABOUT, over=("student-alone",)).parts(both))
    assert isinstance(most, Estimate) and most.value == pytest.approx(9)
