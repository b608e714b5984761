"""Cases that are gone, new, broken, or something else under the old name."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from bench.compare.comparison import compare
from bench.missing import ABSENT, Missing
from bench.record import CaseRecord
from bench.verdict import Verdict
from emtm.errors import UserError
from tests.verdict.runs import case, failed, run


def named(base: list[CaseRecord], head: list[CaseRecord]) -> dict[str, Verdict]:
    found = compare(run(*base), run(*head)).findings
    return {
        finding.case_id.partition("|")[0]: finding.verdict
        for finding in found
        if finding.kind == "case" and finding.verdict is not Verdict.SAME
    }


A, B = case("a"), case("b")


def test_a_removed_case_is_missing_and_a_new_one_extra() -> None:
    assert named([A, B], [A]) == {"b": Verdict.MISSING}
    assert named([A], [A, B]) == {"b": Verdict.EXTRA}
    assert compare(run(A, B), run(A)).exit_code() == compare(run(A), run(A, B)).exit_code() == 4


def test_a_renamed_case_is_both() -> None:
    assert named([A], [B]) == {"a": Verdict.MISSING, "b": Verdict.EXTRA}


@pytest.mark.parametrize("status", ["failed", "invalid", "skipped"])
def test_a_broken_case_is_newly_failing(status: Literal["failed", "invalid", "skipped"]) -> None:
    found = compare(run(A, B), run(A, failed(B, status)))
    assert named([A, B], [A, failed(B, status)]) == {"b": Verdict.NEWLY_FAILING}
    assert found.exit_code(soft=True) == 4
    assert [f.reason for f in found.findings if f.verdict is Verdict.NEWLY_FAILING] == [f"{status}: it {status}"]


def test_a_mended_case_is_newly_passing_and_fine() -> None:
    assert named([failed(B)], [B]) == {"b": Verdict.NEWLY_PASSING}
    assert compare(run(failed(B)), run(B)).exit_code() == 0


def test_what_failed_before_and_fails_still_is_named_and_no_news() -> None:
    found = compare(run(failed(B)), run(failed(B, "invalid")))
    assert found.verdict is Verdict.SAME
    assert found.findings[0].reason == "no result in either: invalid: it invalid"


@pytest.mark.parametrize("block", ["latency", "memory", "params", "reference", "noise"])
def test_a_block_that_is_not_measured_any_more_is_lost(block: str) -> None:
    without = replace(A, **{block: Missing("left out")})
    found = compare(run(A), run(without))
    lost = [finding for finding in found.findings if finding.verdict is Verdict.LOST]
    assert [(finding.figure, finding.reason) for finding in lost] == [(block, "left out")]
    assert found.exit_code() == 4
    gained = compare(run(without), run(A))
    assert [f.figure for f in gained.findings if f.verdict is Verdict.GAINED] == [block]
    # Times that were measured without a watch on the machine tell nothing.
    assert gained.exit_code() == (6 if block == "noise" else 0)


def test_the_same_name_for_another_workload_is_redefined() -> None:
    smaller = replace(A, workload=replace(A.workload, num_words=5))
    found = compare(run(A), run(smaller))
    (only,) = found.findings
    assert (only.verdict, only.reason) == (Verdict.REDEFINED, "workload.num_words was 10 and is 5")
    assert found.exit_code() == 4


def test_a_field_that_only_one_version_writes_redefines_nothing() -> None:
    older = replace(A, workload=replace(A.workload, num_words=ABSENT))
    assert named([older], [A]) == {}


def test_k_leaves_the_others_out() -> None:
    found = compare(run(A, B), run(A), chosen=lambda case_id: case_id.startswith("a|"))
    assert found.verdict is Verdict.SAME
    assert {finding.case_id for finding in found.findings} == {A.case_id}


def test_k_that_leaves_nothing_is_a_mistake() -> None:
    with pytest.raises(UserError, match="no case"):
        compare(run(A), run(A), chosen=lambda case_id: False)
