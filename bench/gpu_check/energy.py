"""Energy of one query, by whatever counter the device has."""

from __future__ import annotations

from collections.abc import Sequence

from bench.backends import eager
from bench.execution import Execution
from bench.gpu_check.part import Part, by_model
from bench.gpu_check.plan import Plan
from bench.gpu_record import EnergyRow
from bench.instruments import energy
from bench.missing import Block, Missing
from bench.subjects import build_model, make_batch

_WARMUP = 10
_WINDOW_S, _SMALL_WINDOW_S = 1.0, 0.1


def row(plan: Plan, model: str) -> EnergyRow:
    """Of one model, after a rest as long as the calls."""
    subject, device = plan.subject(model), plan.torch_device()
    built = build_model(model, subject.config, subject.shape).to(device.name)
    batch = make_batch(subject.shape, subject.config.feature_dim, 1).to(device.name)
    runner = eager.build(built, Execution(device), batch)
    for _ in range(_WARMUP):
        runner(batch)
    found = energy.measure(lambda: runner(batch), device, _SMALL_WINDOW_S if plan.small else _WINDOW_S)
    return EnergyRow(model=model, dataset=subject.dataset, energy=found)


def told(rows: Sequence[Block]) -> str:
    """By what it was measured, and the least and the most; the reason once where there is none."""
    found = [row for row in rows if isinstance(row, EnergyRow)]
    known = [(row.energy.joules_per_query, row) for row in found]
    joules = sorted((value, row.model) for value, row in known if not isinstance(value, Missing))
    if joules:
        (low, frugal), (high, hungry) = joules[0], joules[-1]
        sources = ", ".join(sorted({row.energy.source for value, row in known if not isinstance(value, Missing)}))
        return (
            f"{len(joules)} of {len(found)} models by {sources}; "
            f"{low:.3g} J ({frugal}) to {high:.3g} J ({hungry}) a query above rest"
        )
    reasons = dict.fromkeys(value.reason for value, _ in known if isinstance(value, Missing))
    return "; ".join(reasons) or "no model was measured"


ENERGY = Part("energy", 0.12, by_model, row, told)
