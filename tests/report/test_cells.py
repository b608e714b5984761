"""Cells: a value, or a dash that says why there is none."""

from bench.missing import ABSENT, Missing
from bench.report.quantity import si
from bench.report.sections.cells import Cell, Table, marked, measured, timed


def test_a_missing_value_is_a_dash_with_its_reason() -> None:
    assert measured(Missing("n=200 < 662"), si) == Cell("—", None, "n=200 < 662")
    assert measured(ABSENT, si).note == "not measured in this run"
    assert measured(1500, si) == Cell("1.50 k", 1500.0)


def test_a_time_has_its_interval_or_says_why_not() -> None:
    assert timed(0.0122, (0.0119, 0.0126)) == Cell("12.2 [11.9, 12.6] ms", 0.0122)
    assert timed(0.0122, Missing("n=2")) == Cell("12.2 ms", 0.0122, "no interval: n=2")
    assert timed(Missing("too dear"), (1.0, 2.0)) == Cell("—", None, "too dear")


def test_equal_footnotes_share_a_mark() -> None:
    table = Table("t", "", ("a", "b", "c"), ((Cell("—", None, "x"), Cell("—", None, "y"), Cell("—", None, "x")),))
    rows, notes = marked(table)
    assert [c.plain for c in rows[0]] == ["—¹", "—²", "—¹"]
    assert notes == ["x", "y"]
