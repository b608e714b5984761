"""What the budget control is told of each model: bounds of its costs, and what of them is done once a video."""

from __future__ import annotations

import math

from bench.missing import Json, known_of
from bench.report.content.query_cost import (
    Cost,
    Divisible,
    case_memory_bytes,
    divisible_latency_s,
    divisible_macs,
)
from bench.report.content.subject import Subject


def budgeted(subject: Subject) -> bool:
    """Is it about single queries, whose costs a budget can limit?"""
    return all(case.workload.scenario == "single_stream" for case in subject.cases)


def budget_entry(subject: Subject) -> dict[str, Json]:
    """Name, place and accuracy; of each kind of cost, by case, `[value, low, high, once, exact]` in SI units.

    `high` is null where nothing bounds the cost, `once` where it is not known what is done once a video. A case whose
    cost is not known is left out.
    """
    latency = [divisible_latency_s(case) for case in subject.cases]
    macs = [divisible_macs(case) for case in subject.cases]
    memory = known_of(case_memory_bytes(case) for case in subject.cases)
    whole = [Divisible(Cost(value, value, value), 0.0, exact=True) for value in memory]
    return {
        "name": subject.label,
        "place": subject.place,
        "accuracy": subject.headline,
        "latency": [_bounds(one) for one in known_of(latency)],
        "memory": [_bounds(one) for one in whole],
        "macs": [_bounds(one) for one in known_of(macs)],
    }


def _bounds(one: Divisible) -> list[Json]:
    cost = one.one
    return [cost.value, cost.low, None if math.isinf(cost.high) else cost.high, one.once, one.exact]
