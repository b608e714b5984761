"""Ratios and shares worked out by hand; the sessions themselves take an hour and are made by the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.record import CaseRecord, Repeats
from tests.repeatability.sessions import PROMISED, Ratio, document, ratios, share
from tests.verdict.runs import case, run

COMMITTED = Path(__file__).resolve().parents[2] / "reports" / "repeatability"


def timed(name: str, *medians: float, dataset: str = "tacos") -> CaseRecord:
    numbers = tuple(range(1, len(medians) + 1))
    repeats = Repeats(
        processes=numbers, medians=medians, reference_s=(1e-4,) * len(medians), mean=medians[0], mean_ci99=(0.0, 1.0)
    )
    return replace(case(name, dataset), repeats=repeats)


def test_the_ratio_of_twins_is_of_the_processes_that_timed_both() -> None:
    found = run(timed("emtm", 1e-3, 2e-3), timed("emtm-student", 1e-3, 2e-3, 9e-3), timed("vslnet", 1e-3, 1e-3))
    (ratio,) = ratios(found)
    assert (ratio.dataset, ratio.processes, ratio.quiet) == ("tacos", 2, True)
    assert (ratio.ratio, ratio.low, ratio.high) == pytest.approx((1.0, 1.0, 1.0))
    assert ratio.holds
    assert ratios(run(timed("emtm", 1e-3, 2e-3))) == []


def test_shares_and_their_intervals() -> None:
    holds, misses = Ratio("tacos", 1.01, 0.98, 1.04, 4, True), Ratio("tacos", 1.2, 1.1, 1.3, 4, False)
    found = share([holds] * 19 + [misses])
    assert (found["intervals"], found["hold_1"], found["share"]) == (20, 19, 0.95)
    # Clopper and Pearson's for 19 of 20, as tables have it.
    assert found["share_ci95"] == pytest.approx([0.7513, 0.9987], abs=1e-4)
    assert found["median_apart"] == pytest.approx(0.01)
    whole = document([("now", [holds, misses])], {"commit": "c"})
    assert whole["all"]["intervals"] == 2 and whole["unmarked"]["intervals"] == 1
    assert share([])["share"] is None


@pytest.mark.parametrize("name", ["aa-sessions", "aa-sessions-busy"])
def test_the_committed_sessions_keep_the_promise(name: str) -> None:
    path = COMMITTED / f"{name}.json"
    stored = json.loads(path.read_text("utf-8"))
    sessions = [(row["created_utc"], [Ratio(**ratio) for ratio in row["ratios"]]) for row in stored["sessions"]]
    assert len(sessions) >= 20 and all(found for _, found in sessions)
    assert not stored["dirty"]
    again = document(sessions, {})
    assert {key: stored[key] for key in again} == again
    assert again["all"]["share"] >= PROMISED
    held, count, unmarked = again["all"]["hold_1"], again["all"]["intervals"], again["unmarked"]["intervals"]
    assert again["unmarked"]["hold_1"] == unmarked
    page = " ".join((COMMITTED.parents[1] / "docs" / "measuring.md").read_text("utf-8").split())
    marked = f", and in all {unmarked} that no mark stood beside" if unmarked else ""
    assert f"held 1 in {held} of {count} cases{marked}: [`{name}.json`]" in page
