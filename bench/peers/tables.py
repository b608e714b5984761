"""A comparison with a peer as tables."""

from __future__ import annotations

from bench.missing import Missing, known
from bench.peers.record import PeerCase, PeerRow, PeerRun
from bench.report.quantity import digits, scientific
from bench.report.sections.cells import Cell, Table, empty, text, timed

_KINDS = {"infer": "inference", "train": "training step"}


def tables(run: PeerRun) -> list[Table]:
    """Times and speed-ups, a row for each way of making each kind of call; and how near the answers were."""
    rows = tuple(_timed(case, row, first=at == 0) for case in run.cases for at, row in enumerate(case.rows))
    parity = tuple(_parity(case, row) for case in run.cases for row in case.rows if not isinstance(row.parity, Missing))
    return [
        Table(
            title=f"Beside {run.peer.title} ({run.peer.repository} @{run.peer.commit[:7]})",
            caption="One thread. Time of a call, and how many times as fast as the peer as it is shipped; 99 % "
            f"intervals over {run.rounds} rounds of fresh processes, in which all rows took turns. The peer again is "
            "the same code in another process: what its interval holds is what the machine did not tell apart.",
            headers=("Call", "Made by", "Time", "× peer", "Resolution"),
            rows=rows,
        ),
        Table(
            title="Answers beside the peer's, from the same weights and inputs",
            caption="The worst of all processes, each asked before it was timed. Distributions in probability; the "
            "score of the moment and the loss as a share; weights after a step as a share of the largest change of any "
            "weight.",
            headers=("Call", "Made by", "Distribution", "Score", "Same moments", "Loss", "Step"),
            rows=parity,
        ),
    ]


def _call(case: PeerCase) -> str:
    size = f", {case.batch_size} at once" if case.batch_size > 1 else ""
    return f"{case.model}, {case.dataset}, {_KINDS[case.kind]}{size}"


def _timed(case: PeerCase, row: PeerRow, *, first: bool) -> tuple[Cell, ...]:
    note = f"some process waited for a CPU in {case.disturbed} of {len(case.noise)} rounds" if case.disturbed else None
    found = case.resolution
    resolution = empty(found.reason) if isinstance(found, Missing) else Cell(f"± {100 * found:.1f} %", found)
    return (
        Cell(_call(case), _call(case), note),
        text(row.name),
        timed(row.call_s, row.call_ci99_s),
        Cell("1", 1.0) if first and not isinstance(row.call_s, Missing) else _speedup(row),
        resolution,
    )


def _speedup(row: PeerRow) -> Cell:
    if isinstance(row.speedup, Missing):
        return empty(row.speedup.reason)
    shown = digits(row.speedup)
    if isinstance(row.speedup_ci99, Missing):
        return Cell(shown, row.speedup, f"no interval: {row.speedup_ci99.reason}")
    low, high = row.speedup_ci99
    return Cell(f"{shown} [{digits(low)}, {digits(high)}]", row.speedup)


def _parity(case: PeerCase, row: PeerRow) -> tuple[Cell, ...]:
    found = known(row.parity) or {}

    def cell(name: str) -> Cell:
        value = found.get(name)
        return empty("not part of this answer") if value is None else Cell(scientific(value) if value else "0", value)

    same = found.get("equal_moments")
    return (
        text(_call(case)),
        text(row.name),
        cell("span_max_abs"),
        cell("score_max_rel"),
        empty("not part of this answer") if same is None else Cell(f"{100 * same:.0f} %", same),
        cell("loss_rel"),
        cell("step_max_rel"),
    )
