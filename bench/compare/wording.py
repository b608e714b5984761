"""A comparison in words: what the terminal and the pull request have in common."""

from __future__ import annotations

import math
from collections import Counter

from bench.compare.comparison import Comparison
from bench.compare.finding import Finding, Judged, Kind
from bench.compare.judging import Resolution
from bench.missing import Json, known
from bench.report.quantity import byte_size, plural, si
from bench.run import Run
from bench.safe import clean, short
from bench.verdict import Verdict, heaviest
from emtm.errors import ExitCode

_NOUNS: dict[Kind, tuple[str, str]] = {
    "case": ("case", "cases"),
    "exact": ("exact figure", "exact figures"),
    "timing": ("timing", "timings"),
    "accuracy": ("accuracy", "accuracies"),
}


def headline(judged: Judged) -> str:
    """The verdict and what it counts, in one line."""
    counts = Counter((finding.verdict, finding.kind) for finding in judged.findings)
    said = [
        f"{_number(counts[verdict, kind], kind)} {verdict.value}"
        for verdict in Verdict
        for kind in _NOUNS
        if counts[verdict, kind] and verdict is not Verdict.SAME
    ]
    same = [_number(counts[Verdict.SAME, kind], kind) for kind in _NOUNS if counts[Verdict.SAME, kind]]
    if not said:
        return f"SAME: {', '.join(same)}"
    return f"{judged.verdict.value.upper()}: {', '.join(said)}; the same: {', '.join(same) or 'nothing'}"


def _number(count: int, kind: Kind) -> str:
    return f"{count} {_NOUNS[kind][count != 1]}"


def noteworthy(judged: Judged) -> list[tuple[str, list[Finding]]]:
    """Findings that are not SAME by case: the case with the heaviest verdict first, and in it the heaviest finding."""
    order = list(Verdict)
    cases: dict[str, list[Finding]] = {}
    for finding in judged.findings:
        if finding.verdict is not Verdict.SAME:
            cases.setdefault(finding.case_id, []).append(finding)
    for findings in cases.values():
        findings.sort(key=lambda finding: order.index(finding.verdict))
    return sorted(cases.items(), key=lambda case: order.index(heaviest(finding.verdict for finding in case[1])))


def values(finding: Finding) -> str:
    """`12.1 ms → 13.9 ms`; empty for a case as a whole."""
    if finding.base is None and finding.head is None:
        return ""
    base, head = (_value(value, finding) for value in (finding.base, finding.head))
    if base == head and finding.base != finding.head:
        # The rounding hides a difference that is one.
        base, head = f"{finding.base} {finding.unit}".rstrip(), f"{finding.head} {finding.unit}".rstrip()
    return short(f"{base} → {head}")


def change(finding: Finding) -> str:
    """`×1.15 [1.12, 1.18], called from ×1.06` of a time, points of an accuracy, percent of a count."""
    told = finding.change
    if told is None:
        return _relative(finding.base, finding.head)
    if finding.kind == "accuracy":
        text = f"{told.value:+.2f} points"
        text += "" if told.interval is None else f" [{told.interval[0]:+.2f}, {told.interval[1]:+.2f}]"
        return text if told.called_from is None else f"{text}, called from {told.called_from:+.2f}"
    text = f"×{told.value:.2f}"
    text += "" if told.interval is None else f" [{told.interval[0]:.2f}, {told.interval[1]:.2f}]"
    return text if told.called_from is None else f"{text}, called from ×{told.called_from:.2f}"


def _relative(base: Json, head: Json) -> str:
    if isinstance(base, bool | str | None) or isinstance(head, bool | str | None):
        return ""
    if isinstance(base, list | dict) or isinstance(head, list | dict) or base == 0:
        return ""
    return f"{100 * (head / base - 1):+.2g} %"


def _value(value: Json, finding: Finding) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if finding.unit == "B":
        return byte_size(value)
    if finding.unit == "%":
        return f"{value:.1f} %"
    return si(value, finding.unit)


def run_line(run: Run) -> str:
    """`20261123T101911Z-13a7e4, commit 6c219ed7, profile smoke`, and that it was cut off."""
    commit = known(run.suite.commit)
    dirty = " with changes" if known(run.suite.dirty) else ""
    code = "of no known commit" if commit is None else f"commit {commit[:8]}{dirty}"
    cut_off = f", cut off: {how}" if (how := known(run.suite.cut_off)) else ""
    return short(f"{run.run_id}, {code}, profile {run.suite.profile}{cut_off}")


def environment_lines(comparison: Comparison) -> list[str]:
    """What the machines and the software have to do with it."""
    lines = []
    if comparison.hardware and comparison.across_machines:
        lines.append(
            f"Different machines: {'; '.join(comparison.hardware)}. Times are compared as ratios to the reference "
            "product of each machine, and all that the cases have in common is put down to the machines"
        )
    elif comparison.hardware:
        lines.append(
            f"Different machines: {'; '.join(comparison.hardware)}. Exact figures are compared, times are not; "
            "--across-machines compares their ratios to the reference product"
        )
    if comparison.software:
        lines.append(f"Differs, and is compared all the same: {'; '.join(comparison.software)}")
    if comparison.newly_noisy:
        shown = ", ".join(comparison.newly_noisy[:3])
        more = len(comparison.newly_noisy) - 3
        lines.append(f"Newly noisy: {shown}" + (f" and {more} more" if more > 0 else ""))
    return [clean(line) for line in lines]


def resolution_lines(comparison: Comparison) -> list[str]:
    """What can be told apart, for each kind of time, and why."""
    return [_resolution(can) for can in comparison.resolutions]


def _resolution(can: Resolution) -> str:
    said = [f"{can.figure}, {plural(can.cases, 'case')}: one is called from ×{math.exp(can.told):.2f} on"]
    if can.shared is not None:
        said.append(f"all together came out ×{math.exp(can.shared):.2f}")
    if can.base is not None and can.head is not None:
        said.append(
            f"twins are {_percent(can.base.deviation)} apart in the base, {_percent(can.head.deviation)} in the head"
        )
    else:
        said.append("too few twins to tell how far one network measured twice is apart")
    if can.scatter is not None:
        said.append(f"the cases scatter by {_percent(can.scatter)}")
    if can.single == can.between:
        what = "two machines" if can.across_machines else "two sessions of one code"
        said.append(f"so what {what} may be apart by is granted")
    return "; ".join(said)


def _percent(log: float) -> str:
    return f"{100 * math.expm1(log):.1f} %"


def remark(code: ExitCode, soft: ExitCode) -> str:
    """What `--soft` forgave; empty where it forgave nothing."""
    if code == soft:
        return ""
    what = {
        ExitCode.ENVIRONMENT: "the machines differ, so times were not compared",
        ExitCode.INCONCLUSIVE: "some figures could not be told apart",
    }
    return f"warning: {what[code]} (exit {int(code)} without --soft)"
