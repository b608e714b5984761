"""The printed figures come out of our code today, and what stands between them and the cost of inference."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bench.audit.record import Audit, Counts, FigureAudit, Row
from bench.missing import Missing
from tests.audit.conftest import entry

DEAR = ("EAMAT", "2D-TAN", "CCA")
COUNTED = ["VSLNet", "EMB", "BAN-APR", "CPL", *(pytest.param(label, marks=pytest.mark.slow) for label in DEAR)]
OTHERS = ["SeqPAN", "EMTM"]
Count = Callable[[str], Row]


def figure(row: Row, quantity: str) -> FigureAudit:
    found = row.figure(quantity)
    assert found is not None
    return found


def counts(row: Row) -> Counts:
    assert not isinstance(row.counts, Missing)
    return row.counts


@pytest.mark.parametrize("label", COUNTED)
def test_printed_costs_are_reproduced(label: str, row: Count) -> None:
    compute, params = figure(row(label), "compute"), figure(row(label), "params")
    assert abs(compute.off_pct) < 0.5
    assert compute.same_digits is (label not in ("2D-TAN", "CCA"))
    assert abs(params.off_pct) < 0.01
    assert params.same_digits is (label != "CCA")


@pytest.mark.parametrize("label", [*COUNTED, *OTHERS])
def test_the_committed_audit_is_todays(label: str, row: Count, committed: Audit) -> None:
    (stored,) = [one for one in committed.rows if one.label == label and not isinstance(one.counts, Missing)]
    assert replace(row(label), rank=stored.rank, printed_rank=stored.printed_rank) == stored


@pytest.mark.parametrize("label", OTHERS)
def test_what_is_not_a_pass_is_not_reproduced(label: str, row: Count) -> None:
    found = row(label)
    assert isinstance(figure(found, "compute").reproduced, Missing)
    assert isinstance(counts(found).same_pass, Missing)
    assert figure(found, "params").same_digits is True
    assert [cause.why for cause in found.causes] == ["training"]
    assert counts(found).ratio > 4


def test_vslnet_by_closed_form(row: Count) -> None:
    """Two LSTMs of 128 in and 128 out over 62 clips are all that fvcore misses."""
    found = row("VSLNet")
    lstms = 2 * 62 * 4 * 128 * (128 + 128)
    (unseen,) = (cause for cause in found.causes if cause.why == "unseen by the counter")
    assert unseen.what == "aten::lstm"
    assert unseen.share_pct == pytest.approx(100 * lstms / counts(found).same_pass)
    norms = 62 * 128 * 5 * 6 + 6 * 128 * 5 * 6  # six LayerNorms of 5 FLOPs a number, over clips and over words
    reproduced = figure(found, "compute").reproduced
    assert abs(counts(found).same_pass - lstms - reproduced) < 2 * norms


def test_causes_are_those_of_the_model(row: Count) -> None:
    why = {label: {cause.why for cause in row(label).causes} for label in ("VSLNet", "EMB", "BAN-APR", "CPL")}
    assert why["VSLNet"] == {"macs called FLOPs", "unseen by the counter", "waste", "short video"}
    assert why["EMB"] == why["VSLNet"] | {"dropped by the trace"}
    assert why["BAN-APR"] == {"macs called FLOPs", "unseen by the counter", "waste"}
    assert why["CPL"] == {"macs called FLOPs", "waste"}


def test_negatives_are_what_cpl_wastes(row: Count) -> None:
    found = counts(row("CPL"))
    assert found.needed < found.same_pass / 2


def test_ranks_are_those_of_the_figures(committed: Audit) -> None:
    rows = [one for one in committed.rows if one.dataset == "charades-sta"]
    by_print = sorted(rows, key=lambda one: figure(one, "compute").value)
    by_count = sorted(rows, key=lambda one: counts(one).inference)
    assert [one.printed_rank for one in by_print] == [*range(1, 9)]
    assert [one.rank for one in by_count] == [*range(1, 9)]
    assert by_print != by_count


def test_the_hypothesis_decides(row: Count) -> None:
    """With another number of clips the digits do not come out."""
    from bench.audit.audit import audit

    table, found = entry("VSLNet")
    assert found.protocol is not None
    other = replace(found, protocol=replace(found.protocol, clips=61))
    (changed,) = audit([replace(table, entries=(other,), unread=())]).rows
    assert figure(changed, "compute").same_digits is False
    assert figure(changed, "compute").off_pct < figure(row("VSLNet"), "compute").off_pct - 1
