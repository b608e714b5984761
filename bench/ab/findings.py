"""What a session says of every case, as findings: the same words as a comparison of two run files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.ab.arm import Counts
from bench.ab.revisions import Revision
from bench.ab.sequential import Plan
from bench.ab.session import Outcome, Trial
from bench.compare.finding import Change, Finding
from bench.run import Environment
from bench.verdict import Verdict, exit_code, heaviest
from emtm.errors import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """What the two revisions have, before anything is timed."""

    base: Mapping[str, Counts | str]
    """Counts by case id; a text where the case cannot be built, and why."""
    head: Mapping[str, Counts | str]

    @property
    def shared(self) -> tuple[str, ...]:
        """Cases that both can build, cheapest first: the first of them is the sentinel's."""
        both = [
            (found.macs, case_id)
            for case_id, found in self.base.items()
            if isinstance(found, Counts) and isinstance(self.head.get(case_id), Counts)
        ]
        return tuple(case_id for _, case_id in sorted(both))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole A/B: the revisions, how it was done, and what was found."""

    base: Revision
    head: Revision
    plan: Plan
    sides: Sides
    outcome: Outcome
    environment: Environment

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of every case: what both have not, what is counted, what is timed."""
        return (
            *_presence(self.sides),
            *(found for case_id in self.sides.shared for found in _exact(case_id, self.sides)),
            *(_timing(trial, self.plan, self.outcome.valid) for trial in self.outcome.trials),
        )

    @property
    def verdict(self) -> Verdict:
        """The one that a headline names."""
        return heaviest(finding.verdict for finding in self.findings)

    def exit_code(self, *, soft: bool = False) -> ExitCode:
        """What the command ends with."""
        return exit_code((finding.verdict for finding in self.findings), soft=soft)


def _presence(sides: Sides) -> Iterable[Finding]:
    for case_id in dict.fromkeys((*sides.base, *sides.head)):
        base, head = sides.base.get(case_id), sides.head.get(case_id)
        verdict, reason = _fate(base, head)
        if verdict is not None:
            yield Finding(case_id=case_id, kind="case", figure="", verdict=verdict, reason=reason)


def _fate(base: Counts | str | None, head: Counts | str | None) -> tuple[Verdict | None, str]:
    """What became of a case between the revisions; nothing to say where both have it."""
    if head is None:
        return Verdict.MISSING, ""
    if base is None:
        return Verdict.EXTRA, ""
    if isinstance(head, str):
        return (Verdict.INCONCLUSIVE if isinstance(base, str) else Verdict.NEWLY_FAILING), head
    return (Verdict.NEWLY_PASSING, base) if isinstance(base, str) else (None, "")


def _exact(case_id: str, sides: Sides) -> Iterable[Finding]:
    base, head = sides.base[case_id], sides.head[case_id]
    assert isinstance(base, Counts)
    assert isinstance(head, Counts)
    for figure, before, after in (("parameters", base.params, head.params), ("MACs", base.macs, head.macs)):
        verdict = Verdict.SAME if before == after else Verdict.WORSE if after > before else Verdict.BETTER
        yield Finding(case_id=case_id, kind="exact", figure=figure, verdict=verdict, base=before, head=after)


def _timing(trial: Trial, plan: Plan, valid: bool) -> Finding:
    figure = "training step" if "|train_step|" in trial.case_id else "latency"
    if trial.reason:
        verdict = Verdict.NEWLY_FAILING if trial.broken == {"head"} else Verdict.INCONCLUSIVE
        return Finding(case_id=trial.case_id, kind="timing", figure=figure, verdict=verdict, reason=trial.reason)
    found = trial.found
    if found is None:
        reason = "too few rounds were done within the budget"
        return Finding(case_id=trial.case_id, kind="timing", figure=figure, verdict=Verdict.INCONCLUSIVE, reason=reason)
    change = Change(value=found.ratio, interval=(found.low, found.high), called_from=1 + plan.min_effect)
    reason = f"{found.rounds} rounds of fresh processes, {trial.pairs} pairs"
    if not valid:
        reason = f"the sentinels failed; {reason}"
    elif trial.verdict is Verdict.INCONCLUSIVE:
        reason = f"these rounds tell {100 * found.resolution:.1f} % apart; {reason}"
    verdict = trial.verdict if valid else Verdict.REFUSED
    return Finding(case_id=trial.case_id, kind="timing", figure=figure, verdict=verdict, change=change, reason=reason)
