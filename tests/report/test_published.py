"""Published accuracies stand apart from measured ones, and only beside real data."""

from typing import Any

from bench.report.document import build
from bench.report.frame import cases_frame
from bench.report.published import published_tables
from bench.report.tables import accuracy_tables


def case(dataset: str, synthetic: bool) -> dict[str, Any]:
    return {
        "case_id": f"m|{dataset}|single_stream|s0",
        "status": "ok",
        "model": {"name": "m", "role": "student", "config_hash": "x", "weights_kind": "trained"},
        "workload": {"dataset": dataset, "scenario": "single_stream"},
        "execution": {"device": "cpu"},
        "quality": {
            "dataset": dataset,
            "synthetic": synthetic,
            "split": "test",
            "protocol": "timestamp",
            "r1": {"0.5": 57.3},
            "miou": 50.0,
            "seeds": [0],
            "notes": ["charades_sta_test.txt: 3,720 queries", "test: the official one"],
        },
    }


def frame(*cases: dict[str, Any]) -> Any:
    return cases_frame([{"run_id": "r", "cases": list(cases)}])


def test_only_real_datasets_have_published_figures() -> None:
    tables = published_tables(frame(case("charades-sta", False), case("charades-sta+embedded", True)))
    assert [table.title for table in tables] == ["Published on charades-sta, not measured here"]
    (row,) = (row for row in tables[0].rows if row[0].text == "emtm")
    assert [cell.text for cell in row[3:7]] == ["72.70?", "57.91?", "39.80?", "53.00?"]
    assert row[4].sort == 57.91
    assert "none was measured here" in tables[0].caption
    assert published_tables(frame(case("smoke", True))) == []


def test_measured_and_published_never_share_a_table() -> None:
    cases = frame(case("charades-sta", False))
    for table in accuracy_tables(cases):
        assert not any(mark in cell.text for row in table.rows for cell in row for mark in "?†")
    for table in published_tables(cases):
        assert all(cell.text == "-" or cell.text[-1] in "?†" for row in table.rows for cell in row[3:7])
        assert "57.3" not in {cell.text for row in table.rows for cell in row}


def test_an_accuracy_says_which_file_it_is_of() -> None:
    (table,) = accuracy_tables(frame(case("charades-sta", False)))
    assert "Data: charades_sta_test.txt: 3,720 queries; test: the official one." in table.caption


def test_the_report_of_synthetic_runs_quotes_nobody(example_doc: dict[str, Any]) -> None:
    accuracy = next(section for section in build([example_doc], ["r.json"]).sections if section.key == "accuracy")
    assert not any("Published" in table.title for table in accuracy.tables)
