"""Histories made of documents, without files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.history.changes import Change, analyse
from bench.history.folder import read_folder
from bench.history.series import History, by_case
from tests.history.synthetic import Doc, write

Load = Callable[[Sequence[Doc]], History]
Find = Callable[[Sequence[Doc]], tuple[History, list[Change]]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """A function from run documents to their history."""

    def loaded(docs: Sequence[Doc]) -> History:
        return by_case(read_folder(write(tmp_path / "runs", docs), None, lambda done: None))

    return loaded


@pytest.fixture
def find(load: Load) -> Find:
    """A function from run documents to the history and its changes, oldest first."""

    def found(docs: Sequence[Doc]) -> tuple[History, list[Change]]:
        history = load(docs)
        changes = [c for case in history.cases for s in case.series for c in analyse(history, case.case_id, s).changes]
        return history, sorted(changes, key=lambda change: change.run)

    return found
