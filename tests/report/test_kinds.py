"""Accuracy by kind of query."""

from typing import Any

from bench.report.frame import cases_frame
from bench.report.kinds import kind_tables


def case(seed: int, plain: float, ordinal: float | None) -> dict[str, Any]:
    kinds = {"plain": {"queries": 80, "r1": {"0.5": plain}, "miou": 1.0}}
    if ordinal is not None:
        kinds["ordinal"] = {"queries": 20, "r1": {"0.5": ordinal}, "miou": 1.0}
    return {
        "case_id": f"m|synth-charades|single_stream|s{seed}",
        "status": "ok",
        "model": {"name": "m", "role": "student", "config_hash": "x", "weights_kind": "trained"},
        "workload": {"dataset": "synth-charades", "scenario": "single_stream"},
        "execution": {"device": "cpu"},
        "quality": {
            "dataset": "synth-charades",
            "synthetic": True,
            "split": "test",
            "protocol": "timestamp",
            "r1": {"0.5": plain},
            "r5": {"0.5": 90.0},
            "miou": 50.0,
            "by_kind": kinds,
            "seeds": [seed],
        },
    }


def tables(*cases: dict[str, Any]) -> Any:
    return kind_tables(cases_frame([{"run_id": "r", "cases": list(cases)}]))


def test_means_over_seeds_by_kind_most_frequent_first() -> None:
    (table,) = tables(case(0, 70.0, 40.0), case(1, 80.0, 50.0))
    assert table.title == "Kinds of queries on synth-charades (synthetic)"
    assert table.headers[1:] == ("plain, 80 queries (%)", "ordinal, 20 queries (%)", "All: R5@0.5 (%)")
    assert [cell.text for cell in table.rows[0]] == ["m", "75.0", "45.0", "90.0"]


def test_a_single_kind_needs_no_table() -> None:
    assert tables(case(0, 70.0, None)) == []
