import csv
import io

import pytest

from bench.report.frame import cases_frame, flatten, number, reason, rows_of, to_csv
from bench.report.seeds import best_floor, dataset_title, floors, seeds_frame
from emtm.errors import UserError


def trained(doc, model="seqpan", dataset="synth-charades"):
    return [c for c in doc["cases"] if c.get("quality") and c["case_id"].startswith(f"{model}|{dataset}|")]


def only(doc, cases):
    return {**doc, "cases": cases}


def test_names_are_dotted_and_intervals_split():
    row = flatten({"latency": {"median": 2.0, "median_ci99": [1.0, 3.0], "samples": [1.0, 2.0]}})
    assert row == {"latency.median": 2.0, "latency.median_ci99.low": 1.0, "latency.median_ci99.high": 3.0}


def test_one_row_a_case(doc):
    frame = cases_frame([doc])
    assert list(frame["case_id"]) == [case["case_id"] for case in doc["cases"]]


def test_a_case_in_two_runs_is_refused(doc):
    with pytest.raises(UserError, match="again in run other"):
        cases_frame([doc, {**doc, "run_id": "other"}])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"latency.p99_reason": "n=200 < 662"}, "n=200 < 662"),
        ({"latency.reason": "no clock"}, "no clock"),
        ({"latency_reason": "skipped"}, "skipped"),
        ({"reason": "it failed"}, "it failed"),
        ({}, "not measured in this run"),
    ],
)
def test_the_nearest_reason_is_given(row, expected):
    assert reason(row, "latency.p99") == expected


def test_a_flag_is_not_a_number():
    assert number({"a": True}, "a") is None


def test_csv_has_every_case_and_no_raw_samples(doc):
    frame = cases_frame([doc])
    rows = list(csv.DictReader(io.StringIO(to_csv(frame))))
    assert [row["case_id"] for row in rows] == [case["case_id"] for case in doc["cases"]]
    assert "latency.median" in rows[0]
    assert "latency.samples" not in rows[0]


def test_seeds_become_mean_range_and_number(doc):
    cases = trained(doc)
    for case, value in zip(cases, (50.0, 52.0, 57.0), strict=True):
        case["quality"]["r1"]["0.5"] = value
        case["quality"]["ci95"]["r1"]["0.5"] = [value - 2, value + 3]
    (row,) = rows_of(seeds_frame(cases_frame([only(doc, cases)])))
    assert row["R1@0.5"] == 53.0
    assert (row["R1@0.5.min"], row["R1@0.5.max"]) == (50.0, 57.0)
    assert (row["R1@0.5.low"], row["R1@0.5.high"]) == (48.0, 60.0)
    assert row["seeds"] == 3


def test_runs_told_apart_by_a_tag_are_not_seeds_of_one_another(doc):
    cases = trained(doc)
    for seed, case in enumerate(cases):
        case["case_id"] += "" if seed == 0 else f"|no-teacher-s{seed}"
    rows = rows_of(seeds_frame(cases_frame([only(doc, cases)])))
    assert [(row["tag"], row["seeds"]) for row in rows] == [("", 1), ("no-teacher", 2)]


def test_real_annotations_with_generated_features_are_synthetic(doc):
    cases = trained(doc)
    for case in cases:
        case["quality"]["dataset"] = "charades-sta"
    cases[0]["quality"]["synthetic"] = False
    rows = rows_of(seeds_frame(cases_frame([only(doc, cases)])))
    assert [(dataset_title(row), row["seeds"]) for row in rows] == [
        ("charades-sta", 1),
        ("charades-sta (synthetic)", 2),
    ]


def test_the_best_floor_is_that_of_the_metric(doc):
    cases = trained(doc)
    for case in cases:
        case["quality"]["floors"]["query_only"]["r1"]["0.5"] = 30.0
    (row,) = rows_of(seeds_frame(cases_frame([only(doc, cases)])))
    assert set(floors(row)) == {"fixed-best", "query-only"}
    assert best_floor(row, "R1@0.5") == ("query-only", 30.0)
    assert best_floor(row, "mIoU") == ("fixed-best", 27.9)
