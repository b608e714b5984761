"""The answer as JSON, for programs."""

from __future__ import annotations

import math

from bench.choose.choice import Choice, Judged, Price
from bench.choose.tables import question
from bench.missing import Json, Missing
from bench.report.content.made import document as made
from bench.report.content.query_cost import Cost
from bench.report.content.seeds import Trained
from emtm.metrics.published import Published


def document(choice: Choice) -> dict[str, Json]:
    """All candidates, best first; costs in SI units, accuracies in percent. An open bound is null."""
    place = choice.place
    return {
        "question": question(choice),
        "runs": [{"run_id": run.run_id, "environment": run.env.fingerprint} for run in choice.runs],
        "dataset": place.dataset,
        "device": place.device,
        "threads": place.threads,
        "queries_per_video": choice.queries_per_video,
        "limits": {limit.kind.key: limit.most for limit in choice.limits},
        "models": [_judged(one) for one in choice.judged],
        "prices": {
            "measured": [_price(price) for price in choice.prices(measured=True)],
            "published": [_price(price) for price in choice.prices(measured=False)],
        },
    }


def _judged(one: Judged) -> dict[str, Json]:
    return {
        "model": one.candidate.label,
        "cases": [case.case_id for case in one.candidate.cases],
        "fit": one.fit.value,
        "fits": {key: fit.value for key, fit in one.fits.items()},
        "accuracy": _accuracy(one.candidate.accuracy),
        "costs": {key: _cost(cost) for key, cost in one.costs.items()},
    }


def _accuracy(found: Trained | Published | None) -> Json:
    if found is None:
        return None
    if isinstance(found, Published):
        return found.to_json()
    figures: dict[str, Json] = {
        metric.key: {"mean": spread.mean, "low": spread.low, "high": spread.high}
        for metric, spread in found.accuracy.items()
    }
    return {"measured": True, "synthetic": found.scope.synthetic, "seeds": found.seeds, **made(found), **figures}


def _cost(cost: Cost | Missing) -> Json:
    if isinstance(cost, Missing):
        return {"value": None, "reason": cost.reason}
    high = None if math.isinf(cost.high) else cost.high
    return {"value": cost.value, "low": cost.low, "high": high, "doubts": list(cost.doubts)}


def _price(price: Price) -> dict[str, Json]:
    best = None if price.best is None else price.best.candidate.label
    return {"limit": price.limit.kind.key, "without": price.without.candidate.label, "best_within": best}
