"""Figures of two sessions made by hand; the sessions themselves take minutes and are made by the command."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

from tests.repeatability.neighbour import APART, Pair, document, neighbour, pairs
from tests.verdict.runs import case, run


def test_what_is_off_is_wrong_unless_it_is_marked() -> None:
    quiet = run(case("vslnet", seconds=0.01), case("emb", seconds=0.01), case("seqpan", seconds=0.01))
    planted = run(
        case("vslnet", seconds=0.0119), case("emb", seconds=0.013), case("seqpan", seconds=0.02, noise="noisy")
    )
    result = document(quiet, planted, (1.0, 2.0), {})
    rows = {pair.case.split("|")[0]: pair for pair in pairs(quiet, planted) if pair.figure == "latency as shown"}
    assert {name: (pair.marked, pair.wrong) for name, pair in rows.items()} == {
        "vslnet": (False, False),
        "emb": (False, True),
        "seqpan": (True, False),
    }
    names = {pair.figure for pair in pairs(quiet, planted)}
    assert {"latency", "latency as shown"} <= names
    assert result["off"] == 2 * result["wrong"] > 0
    assert result["planted"] == "1 of 3 timed cases were measured while the machine was noisy"


def test_a_case_that_the_quiet_session_marked_says_nothing() -> None:
    assert pairs(run(case("emb", noise="noisy")), run(case("emb", seconds=9.0))) == []


def test_a_neighbour_ends_with_the_block() -> None:
    with neighbour(0.0, 1000.0):
        assert len(multiprocessing.active_children()) == 2
    assert multiprocessing.active_children() == []


def test_in_the_committed_sessions_no_figure_is_wrong() -> None:
    root = Path(__file__).resolve().parents[2]
    stored = json.loads((root / "reports" / "repeatability" / "neighbour.json").read_text("utf-8"))
    rows = [Pair(**row) for row in stored["rows"]]
    assert not stored["dirty"] and stored["apart"] == APART
    assert len({row.case for row in rows}) > 10
    assert (len(rows), sum(row.wrong for row in rows)) == (stored["figures"], stored["wrong"])
    assert stored["off"] == stored["wrong"] == stored["marked"] == 0
    assert f"none of {len(rows)} figures came out" in (root / "docs" / "measuring.md").read_text("utf-8")
