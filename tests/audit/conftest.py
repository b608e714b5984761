"""The committed audit, and one of every row counted now, once a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from bench.audit.audit import audit
from bench.audit.files import read_audit
from bench.audit.record import Audit, Row
from bench.published.efficiency import Entry, Table, published_tables

COMMITTED = Path(__file__).parents[2] / "reports/reference/audit.json"


@pytest.fixture(scope="session")
def committed() -> Audit:
    return read_audit(COMMITTED)


@cache
def entry(label: str) -> tuple[Table, Entry]:
    """The row of that label whose cost is printed, and its table."""
    return next(
        (table, entry)
        for table in published_tables()
        for entry in table.entries
        if entry.label == label and entry.figure("compute")
    )


@cache
def _row(label: str) -> Row:
    from dataclasses import replace

    table, found = entry(label)
    (row,) = audit([replace(table, entries=(found,), unread=())]).rows
    return row


@pytest.fixture(scope="session")
def row() -> Callable[[str], Row]:
    """A row counted now."""
    return _row
