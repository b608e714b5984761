"""Accuracy by kind of query."""

from bench.record import CaseRecord, GroupAccuracy
from bench.report.sections.accuracy_by_kind import kind_tables
from tests.report.records import content, trained_case


def case(seed: int, plain: float, ordinal: float | None) -> CaseRecord:
    kinds = {"plain": GroupAccuracy(queries=80, r1={"0.5": plain}, miou=1.0)}
    if ordinal is not None:
        kinds["ordinal"] = GroupAccuracy(queries=20, r1={"0.5": ordinal}, miou=1.0)
    return trained_case("synth-charades", seed=seed, synthetic=True, r1={"0.5": plain}, r5={"0.5": 90.0}, by_kind=kinds)


def test_means_over_seeds_by_kind_most_frequent_first() -> None:
    (table,) = kind_tables(content(case(0, 70.0, 40.0), case(1, 80.0, 50.0)))
    assert table.title == "Kinds of queries on synth-charades (synthetic)"
    assert table.headers[1:] == ("plain, 80 queries (%)", "ordinal, 20 queries (%)", "All: R5@0.5 (%)")
    assert [cell.text for cell in table.rows[0]] == ["m", "75.0", "45.0", "90.0"]


def test_a_single_kind_needs_no_table() -> None:
    assert kind_tables(content(case(0, 70.0, None))) == []
