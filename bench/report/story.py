"""The words around the numbers: limits, protocol, how to repeat the run. All of it follows the data."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.missing import Missing, known, known_of, of
from bench.report.cells import Table, text
from bench.report.content.content import Content
from bench.report.quantity import plural
from bench.run import Run

MANY_SEEDS = 5
"""Below this many seeds a difference between two models is an observation, not a finding."""


def limits(content: Content) -> list[str]:
    """What the numbers of the runs do not say."""
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
        "Latency, throughput and memory belong to the machine in the card above. "
        "Parameters and MACs are exact and the same everywhere."
    )
    if any("video_feature_extraction" in (known(case.workload.excludes) or ()) for case in content.ok):
        where = "no figure"
        if any(case.workload.scenario == "end_to_end" for case in content.ok):
            where = "no figure but those of “What the published comparisons leave out”"
        found.append(f"Extracting the video features is in {where}; it usually costs more than all the rest.")
    return found + _without_energy(content)


def _without_energy(content: Content) -> list[str]:
    cases = [row.case for group in content.costs for row in group.rows]
    joules = [of(case.energy, lambda energy: energy.joules_per_query) for case in cases]
    reasons = {value.reason for value in joules if isinstance(value, Missing)}
    if not joules or known_of(joules):
        return []
    return [f"Energy was not measured: {'; '.join(sorted(reasons))}."]


def protocol(content: Content) -> list[str]:
    """How each kind of number was obtained."""
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


def without_result(content: Content) -> Table | None:
    """The cases that were not measured, and why; None when there are none."""
    cases = [case for case in content.cases if case.status != "ok"]
    if not cases:
        return None
    return Table(
        title="Cases without a result",
        caption="Nothing is left out silently.",
        headers=("Case", "Status", "Reason"),
        rows=tuple((text(case.case_id), text(case.status), text(known(case.reason) or "not stated")) for case in cases),
    )


def commands(content: Content) -> list[str]:
    """The shell commands that measure the runs again and draw this report from their files."""
    lines = []
    for run in content.runs:
        commit = known(run.suite.commit)
        lines += [*([f"git checkout {commit}"] if commit else []), _measure(run.suite.argv)]
    names = [*content.names, *(["--study", content.study.path] if content.study else [])]
    return [*dict.fromkeys(lines), f"python -m bench.report {shlex.join(names)}"]


def _measure(argv: Sequence[str]) -> str:
    """The recorded command, without the folder that the program happened to be in."""
    if not argv:
        return "pytest bench/ --benchmark-only"
    program = Path(argv[0])
    name = "pytest" if program.name in ("__main__.py", "pytest", "py.test") else program.name
    return shlex.join([name, *argv[1:]])
