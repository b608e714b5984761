"""Figures of two sessions made by hand; the sessions themselves take minutes and are made by the command."""

from __future__ import annotations

import multiprocessing

from tests.repeatability.neighbour import document, neighbour, pairs
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
