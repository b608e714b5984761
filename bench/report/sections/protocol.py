"""How each kind of number was obtained: it follows the data."""

from __future__ import annotations

from collections.abc import Sequence

from bench.missing import Missing, known, known_of, of
from bench.report.content.content import Content
from bench.run import Run


def protocol(content: Content) -> list[str]:
    """What a reader must know to read the numbers of the runs."""
    if not content.runs:
        return []
    timed = [case for case in content.ok if not isinstance(case.latency, Missing)]
    latencies = known_of(case.latency for case in timed)
    clock = ", ".join(sorted({latency.clock for latency in latencies}))
    convention = ", ".join(sorted(set(known_of(of(case.compute, lambda found: found.convention) for case in timed))))
    steps = [
        f"Compute is counted operator by operator while the model runs ({convention}). MACs and FLOPs are those of "
        "matrix products and convolutions; norms and element-wise work are counted apart, in the CSV. fvcore's "
        "figure stands beside them: the number most papers print, and the share of the exact MACs that it sees.",
        f"Latency is the median of {_range([latency.n for latency in latencies])} timed calls after "
        f"{_range([latency.warmup for latency in latencies])} warm-up calls ({clock}), with a 99 % "
        "interval; a percentile is given only when there are enough calls to bound it.",
        "× GEMM floor is the latency over the time that the same multiply-adds take in one plain matrix product "
        "timed in turn with the model. It has no unit and carries over to other machines better than seconds do.",
        "Throughput is given at the knee: the smallest batch that comes within 10 % of the best rate.",
        "Peak memory is the weights, the inputs and the most that intermediate tensors take at once. It is "
        "deterministic; what the process and the allocator hold beyond it is in the CSV.",
    ]
    if content.trained:
        steps.append(
            "Accuracy is the percentage of queries whose best moment overlaps the annotated one by at least the "
            "given IoU (R1@IoU), and the mean IoU. The timestamp protocol scores seconds against seconds. A floor "
            "is what can be reached without the query or without the video."
        )
    return steps + _budgets(content.runs)


def _budgets(runs: Sequence[Run]) -> list[str]:
    """The rule of each profile by which dear cases lose their expensive parts, with its limits."""
    found = {}
    for run in runs:
        budget = dict(known(run.suite.budget) or {})
        if rule := budget.pop("rule", None):
            limits = ", ".join(f"{name} {value:g}" for name, value in budget.items() if isinstance(value, int | float))
            found[f"Profile {run.suite.profile} leaves out what is too dear for it. {rule} Limits: {limits}."] = 1
    return list(found)


def _range(values: Sequence[int]) -> str:
    if not values:
        return "some"
    low, high = min(values), max(values)
    return f"{low}" if low == high else f"{low} to {high}"
