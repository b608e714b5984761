"""What the numbers do not say: it follows the data."""

from __future__ import annotations

from collections import Counter

from bench.missing import Missing, known, known_of, of
from bench.report.content.content import Content
from bench.report.content.seeds import MANY_SEEDS
from bench.report.quantity import plural
from bench.report.sections import end_to_end


def limits(content: Content) -> list[str]:
    """What the numbers of the runs do not say."""
    if not content.runs:
        return []
    found: list[str] = []
    if any(model.scope.synthetic for model in content.trained):
        found.append(
            "Accuracies on synthetic datasets say nothing about real video. They show that a model learns and "
            "what it costs; they stand in tables and figures of their own."
        )
    if any(case.model.weights_kind == "random" for case in content.ok):
        found.append("Rows with random weights measure cost alone; they have no accuracy.")
    seeds = min((model.seeds for model in content.trained), default=MANY_SEEDS)
    if seeds < MANY_SEEDS:
        found.append(f"Some models were trained with {plural(seeds, 'seed')}: small differences may be chance.")
    found.append(
        "Latency, throughput and memory belong to the machine named below. "
        "Parameters and MACs are exact and the same everywhere."
    )
    if any("video_feature_extraction" in (known(case.workload.excludes) or ()) for case in content.ok):
        where = "no figure"
        if any(case.workload.scenario == "end_to_end" for case in content.ok):
            where = f"no figure but those of “{end_to_end.TITLE}”"
        found.append(f"Extracting the video features is in {where}; it usually costs more than all the rest.")
    return found + _without_energy(content)


def _without_energy(content: Content) -> list[str]:
    """One reason: that of most of the cases that were timed, since what was not run has no energy either."""
    cases = [row.case for group in content.costs for row in group.rows]
    joules = [of(case.energy, lambda energy: energy.joules_per_query) for case in cases]
    if not joules or known_of(joules):
        return []
    pairs = zip(cases, joules, strict=True)
    timed = [value for case, value in pairs if not isinstance(case.latency, Missing)] or joules
    (reason, _), *_ = Counter(value.reason for value in timed if isinstance(value, Missing)).most_common(1)
    return [f"Energy was not measured: {reason}."]
