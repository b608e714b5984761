"""The run file as a table for programs."""

import csv
import io

from bench.report.formats.csv import flatten, runs_csv
from tests.report.conftest import Doc, run_of


def test_names_are_dotted_and_intervals_split() -> None:
    row = flatten({"latency": {"median": 2.0, "median_ci99": [1.0, 3.0], "samples": [1.0, 2.0]}})
    assert row == {"latency.median": 2.0, "latency.median_ci99.low": 1.0, "latency.median_ci99.high": 3.0}


def test_every_case_is_a_row_without_raw_samples(doc: Doc) -> None:
    rows = list(csv.DictReader(io.StringIO(runs_csv([run_of(doc)]))))
    assert [row["case_id"] for row in rows] == [case["case_id"] for case in doc["cases"]]
    assert {row["run_id"] for row in rows} == {doc["run_id"]}
    assert "latency.median" in rows[0]
    assert "latency.samples" not in rows[0]


def test_operators_are_data_and_share_a_cell(doc: Doc) -> None:
    (row,) = (
        row
        for row in csv.DictReader(io.StringIO(runs_csv([run_of(doc)])))
        if row["case_id"].startswith("vslnet|charades-sta|single_stream")
    )
    assert row["compute.crosscheck.explained_macs"].startswith('{"aten::lstm": ')
