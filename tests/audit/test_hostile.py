"""An audit that somebody hands on: its texts stay texts in all that is made of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.audit.record import Audit
from bench.cli.app import main
from bench.codec import decode
from tests.audit.conftest import COMMITTED
from tests.hostile import HOSTILE, open_places, planted
from tests.parsed import check_csv, tokens

DOC = json.loads(COMMITTED.read_text("utf-8"))
PLACES = [place for place in open_places(DOC, lambda doc: decode(Audit, doc)) if place != ("format",)]
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")


@pytest.mark.parametrize("printed", ["", "GFLOPs", "-1 G", "0.0 G", "1e9 G", "nan G", "9" * 400])
def test_what_was_printed_is_a_number(printed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = next(place for place in PLACES if place[-1] == "printed")
    (tmp_path / "audit.json").write_text(json.dumps(planted(DOC, {place: printed})))
    assert main(["audit", str(tmp_path / "audit.json")]) == 7
    assert "is no printed figure of a cost" in capsys.readouterr().err


@pytest.fixture
def plain(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """What the Markdown of the committed audit is made of."""
    assert main(["audit", str(COMMITTED), "--markdown"]) == 0
    return {token.type for token in tokens(capsys.readouterr().out)}


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 18))
def test_texts_of_an_audit_stay_texts(
    first: int, plain: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [*HOSTILE[first:], *HOSTILE[:first]]
    path = tmp_path / "audit.json"
    plan = {place: texts[i % len(texts)] for i, place in enumerate(PLACES)}
    # What was printed begins with a number.
    plan |= {place: f"1.50 {text}" for place, text in plan.items() if place[-1] == "printed"}
    path.write_text(json.dumps(planted(DOC, plan)))
    printed = {}
    for form in ("", "--markdown", "--csv", "--json"):
        assert main(["audit", str(path), *([form] if form else [])]) == 0
        printed[form] = capsys.readouterr().out
        assert not CONTROLS.search(printed[form])
    assert {token.type for token in tokens(printed["--markdown"])} <= plain
    for table in printed["--csv"].split("\n\n"):
        check_csv(table)
    assert set(tmp_path.iterdir()) == {path}
