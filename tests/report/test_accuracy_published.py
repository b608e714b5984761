"""Published accuracies stand apart from measured ones, and only beside the test set that papers mean."""

from dataclasses import replace

from bench.missing import ABSENT, Missing
from bench.record import CaseRecord
from bench.report.document import Report
from bench.report.sections.accuracy_published import published_tables
from bench.report.sections.tradeoff import accuracy_tables
from tests.report.records import content, trained_case


def case(dataset: str, synthetic: bool, official: str | Missing = "official", seed: int = 0) -> CaseRecord:
    notes = ("charades_sta_test.txt: 3,720 queries", "test: the official one")
    made = trained_case(
        dataset, synthetic=synthetic, r1={"0.5": 57.3}, r5=ABSENT, by_kind=ABSENT, notes=notes, seed=seed
    )
    assert not isinstance(made.quality, Missing)
    return replace(made, quality=replace(made.quality, official=official))


def test_only_official_test_sets_have_published_figures() -> None:
    tables = published_tables(content(case("charades-sta", False), case("charades-sta+embedded", True)))
    assert [table.title for table in tables] == ["Published on charades-sta, not measured here"]
    (row,) = (row for row in tables[0].rows if row[0].text == "seqpan")
    assert [cell.text for cell in row[3:7]] == ["73.84†", "60.86†", "41.34†", "53.92†"]
    assert row[4].sort == 60.86
    assert "none was measured here" in tables[0].caption
    assert published_tables(content(case("smoke", True))) == []


def test_a_private_set_under_a_benchmark_s_name_is_compared_with_nobody() -> None:
    private = case("charades-sta", False, Missing("not the published test set"), seed=1)
    assert published_tables(content(private)) == []
    assert published_tables(content(case("charades-sta", False), private)) == []
    unsaid = case("charades-sta", False, ABSENT)
    assert published_tables(content(unsaid)) == []


def test_measured_and_published_never_share_a_table() -> None:
    cases = content(case("charades-sta", False))
    for table in accuracy_tables(cases):
        assert not any(mark in cell.text for row in table.rows for cell in row for mark in "?†")
    for table in published_tables(cases):
        assert all(cell.text == "-" or cell.text[-1] in "?†" for row in table.rows for cell in row[3:7])
        assert "57.3" not in {cell.text for row in table.rows for cell in row}


def test_an_accuracy_says_which_file_it_is_of() -> None:
    (table,) = accuracy_tables(content(case("charades-sta", False)))
    assert "Data: charades_sta_test.txt: 3,720 queries; test: the official one." in table.caption


def test_the_report_of_synthetic_runs_quotes_nobody(example_report: Report) -> None:
    tables = [table for section in example_report.sections for table in section.tables]
    assert tables and not any("Published" in table.title for table in tables)
