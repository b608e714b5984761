"""Odd files as people have them: each accepted with what was done to it counted, or refused in one sentence."""

from pathlib import Path

import pytest

from tests.data.odd_files import ODDITIES
from tests.data.oddities import DOCS, Oddity, fits, heard, with_table


@pytest.mark.parametrize("oddity", [pytest.param(oddity, id=oddity.name) for oddity in ODDITIES])
def test_what_is_made_of_an_odd_file(oddity: Oddity, tmp_path: Path) -> None:
    accepted, said = heard(oddity, tmp_path)
    assert accepted == oddity.accepted, said
    assert fits(oddity, said), said
    assert "\n" not in said


def test_there_are_many_and_no_two_are_the_same() -> None:
    assert len(ODDITIES) >= 40
    assert len({oddity.name for oddity in ODDITIES}) == len(ODDITIES)


def test_the_table_in_the_docs_is_todays() -> None:
    text = DOCS.read_text("utf-8")
    assert with_table(text) == text, "run `python -m tests.data.oddities`"
