"""The whole comparison of two runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.compare import machines
from bench.compare.accuracy import accuracies
from bench.compare.exact import exact
from bench.compare.finding import Finding
from bench.compare.judging import Resolution, common, judge, scatter
from bench.compare.pairing import Pair, pair
from bench.compare.spread import difference, spread
from bench.compare.timing import FIGURES, Figure, Timing, twins, unsteady
from bench.missing import Missing
from bench.record import CaseRecord
from bench.run import Run
from bench.verdict import Verdict, exit_code, heaviest
from emtm.errors import ExitCode, UserError

MIN_EFFECT = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Verdicts on all figures of two runs, and what they rest on."""

    base: Run
    head: Run
    findings: tuple[Finding, ...]
    """In the order of the base's cases, those of the head alone last."""
    hardware: tuple[str, ...]
    """What tells the machines apart."""
    software: tuple[str, ...]
    across_machines: bool
    """Were times compared although the machines differ?"""
    newly_noisy: tuple[str, ...]
    """Cases measured in quiet in the base and not in the head."""
    resolutions: tuple[Resolution, ...]
    """One for each kind of time that was compared."""
    min_effect: float

    @property
    def verdict(self) -> Verdict:
        """The one that a headline names."""
        return heaviest(finding.verdict for finding in self.findings)

    def exit_code(self, *, soft: bool = False) -> ExitCode:
        """What the command ends with."""
        return exit_code((finding.verdict for finding in self.findings), soft=soft)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """Findings by verdict, heaviest first."""
        found = Counter(finding.verdict for finding in self.findings)
        return {verdict: found[verdict] for verdict in Verdict if verdict in found}


def compare(
    base: Run,
    head: Run,
    *,
    chosen: Callable[[str], bool] = lambda case_id: True,
    min_effect: float = MIN_EFFECT,
    across_machines: bool = False,
) -> Comparison:
    """Verdicts on the cases whose id is `chosen`.

    `min_effect` is the relative change below which no time is called slower or faster. Times measured on
    different machines are refused, unless `across_machines` lets their ratios to the reference product be compared.
    Raises UserError when no case is chosen.
    """
    before, after = (tuple(case for case in run.cases if chosen(case.case_id)) for run in (base, head))
    if not before and not after:
        raise UserError("no case of either run is meant: -k leaves none, or both are empty")
    pairs, findings = pair(before, after)
    different = machines.hardware(base, head)
    if different and not across_machines:
        times, resolutions = _refused(pairs, different), list[Resolution]()
    else:
        times, resolutions = _times(pairs, base.cases, head.cases, min_effect, bool(different))
    findings += [found for one in pairs for found in exact(one)]
    findings += times
    findings += accuracies(pairs, base.cases, head.cases)
    place = {case_id: i for i, case_id in enumerate(dict.fromkeys(finding.case_id for finding in findings))}
    return Comparison(
        base=base,
        head=head,
        findings=tuple(sorted(findings, key=lambda finding: place[finding.case_id])),
        hardware=different,
        software=machines.software(base, head),
        across_machines=bool(different) and across_machines,
        newly_noisy=tuple(one.case_id for one in pairs if not unsteady(one.base) and unsteady(one.head)),
        resolutions=tuple(resolutions),
        min_effect=min_effect,
    )


def _refused(pairs: Sequence[Pair], different: Sequence[str]) -> list[Finding]:
    reason = f"measured on different machines: {'; '.join(different)}"
    return [_finding(times, figure, Verdict.REFUSED, reason) for figure in FIGURES for times in _both(pairs, figure)]


def _times(
    pairs: Sequence[Pair],
    base: Sequence[CaseRecord],
    head: Sequence[CaseRecord],
    min_effect: float,
    across_machines: bool,
) -> tuple[list[Finding], list[Resolution]]:
    """Findings on every kind of time. Twins are looked for among all cases: `-k` does not make a run blunter."""
    measured = {figure: _both(pairs, figure) for figure in FIGURES}
    findings: list[Finding] = []
    resolutions: list[Resolution] = []
    for figure, both in measured.items():
        if not both:
            continue
        changes = [times.change for times in both if times.steady]
        can = Resolution(
            figure=figure.name,
            cases=len(changes),
            comparisons=sum(times.steady for all_times in measured.values() for times in all_times),
            base=spread(twins(base, figure)),
            head=spread(twins(head, figure)),
            shared=common(changes),
            scatter=scatter(changes),
            across_machines=across_machines,
        )
        resolutions.append(can)
        findings += [_judged(times, figure, can, math.log1p(min_effect)) for times in both]
    return findings, resolutions


@dataclass(frozen=True, slots=True)
class _Times:
    """One kind of time of one case in both runs."""

    pair: Pair
    base: Timing
    head: Timing

    @property
    def change(self) -> float:
        return self.head.log - self.base.log

    @property
    def steady(self) -> bool:
        return not unsteady(self.pair.base) and not unsteady(self.pair.head)


def _both(pairs: Sequence[Pair], figure: Figure) -> list[_Times]:
    """The times of pairs in which both have it; what one of them lacks has been named as lost or gained."""
    found = []
    for one in pairs:
        before, after = figure.read((one.base, one.head))
        if not isinstance(before, Missing) and not isinstance(after, Missing):
            found.append(_Times(one, before, after))
    return found


def _judged(times: _Times, figure: Figure, can: Resolution, min_effect: float) -> Finding:
    if times.pair.base == times.pair.head:  # One measurement, not two that agree.
        return _finding(times, figure, Verdict.SAME)
    if not times.steady:
        return _finding(times, figure, Verdict.INCONCLUSIVE, _noise(times.pair))
    interval = None
    if times.base.log_interval is not None and times.head.log_interval is not None:
        interval = difference(times.base.log, times.base.log_interval, times.head.log, times.head.log_interval)
    verdict, change = judge(times.change, interval, can, min_effect)
    reason = ""
    if verdict is Verdict.INCONCLUSIVE:
        alone, _ = judge(times.change, (times.change, times.change), can, min_effect)
        reason = "too wide an interval" if alone is Verdict.SAME else "too much to be the same, too little to be called"
        reason = "too few samples for an interval" if interval is None else reason
    return Finding(
        case_id=times.pair.case_id,
        kind="timing",
        figure=figure.name,
        verdict=verdict,
        base=times.base.seconds,
        head=times.head.seconds,
        unit="s",
        change=change,
        reason=reason,
    )


def _finding(times: _Times, figure: Figure, verdict: Verdict, reason: str = "") -> Finding:
    return Finding(
        case_id=times.pair.case_id,
        kind="timing",
        figure=figure.name,
        verdict=verdict,
        base=times.base.seconds,
        head=times.head.seconds,
        unit="s",
        reason=reason,
    )


def _noise(one: Pair) -> str:
    before, after = unsteady(one.base), unsteady(one.head)
    if not before:
        return f"newly noisy: {after}"
    return f"both noisy: {after}" if after else f"the base was noisy: {before}"
