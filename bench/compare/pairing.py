"""Which cases of two runs belong together, and what became of the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from bench.compare.finding import Finding
from bench.missing import ABSENT, Block, Json, Missing, known
from bench.record import CaseRecord
from bench.verdict import Verdict

_MEASURED = tuple(f.name for f in dataclasses.fields(CaseRecord) if f.default is ABSENT and f.name != "reason")
_DEFINING = {
    "model": ("name", "base", "weights_kind"),
    "workload": (
        *("dataset", "scenario", "batch_size", "num_clips", "num_words", "num_chars", "queries_per_video"),
        *("includes", "excludes", "video"),
    ),
    "execution": ("device", "dtype", "backend", "mode", "threads", "cache"),
    "quality": ("dataset", "split", "protocol", "comparison", "n", "source"),
}
"""What a measurement is. A field that one of the files does not have is of another version, and tells nothing."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One case in both runs, sound in both."""

    base: CaseRecord
    head: CaseRecord

    @property
    def case_id(self) -> str:
        """The name that both have."""
        return self.base.case_id


def pair(base: tuple[CaseRecord, ...], head: tuple[CaseRecord, ...]) -> tuple[list[Pair], list[Finding]]:
    """The cases whose figures can be compared, and what is to be said of cases as a whole, in the order of the base."""
    before, after = ({case.case_id: case for case in cases} for cases in (base, head))
    pairs, findings = [], []
    for case_id in dict.fromkeys([*before, *after]):
        both = before.get(case_id), after.get(case_id)
        verdict, reason = _whole(*both)
        findings.append(Finding(case_id=case_id, kind="case", figure="", verdict=verdict, reason=reason))
        if verdict is Verdict.SAME and both[0] and both[1] and both[0].status == both[1].status == "ok":
            pairs.append(Pair(both[0], both[1]))
            findings += _blocks(pairs[-1])
    return pairs, findings


def _whole(base: CaseRecord | None, head: CaseRecord | None) -> tuple[Verdict, str]:
    if head is None:
        return Verdict.MISSING, "the head does not have it"
    if base is None:
        return Verdict.EXTRA, "the base does not have it"
    if base.status != "ok" and head.status != "ok":
        return Verdict.SAME, f"no result in either: {_status(head)}"
    if head.status != "ok":
        return Verdict.NEWLY_FAILING, _status(head)
    if base.status != "ok":
        return Verdict.NEWLY_PASSING, f"was {_status(base)}"
    differences = list(_redefined(base, head))
    if differences:
        return Verdict.REDEFINED, "; ".join(differences)
    return Verdict.SAME, ""


def _status(case: CaseRecord) -> str:
    reason = known(case.reason)
    return f"{case.status}: {reason}" if reason else case.status


def _redefined(base: CaseRecord, head: CaseRecord) -> Iterator[str]:
    for name, fields in _DEFINING.items():
        before, after = known(getattr(base, name)), known(getattr(head, name))
        if before is None or after is None:
            continue
        for field in fields:
            was, now = _plain(getattr(before, field)), _plain(getattr(after, field))
            if was is not None and now is not None and was != now:
                yield f"{name}.{field} was {_shown(was)} and is {_shown(now)}"


def _plain(value: object) -> object:
    """Something that compares by value, and None for what is missing; in records, missing fields are no difference."""
    if isinstance(value, Missing):
        return None
    if isinstance(value, Block):
        fields = [field.name for field in dataclasses.fields(value) if field.name != "kept"]
        return {name: plain for name in fields if (plain := _plain(getattr(value, name))) is not None}
    return value


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _blocks(cases: Pair) -> Iterator[Finding]:
    """Whole blocks that only one of the two has."""
    for name in _MEASURED:
        before, after = getattr(cases.base, name), getattr(cases.head, name)
        if isinstance(before, Missing) == isinstance(after, Missing):
            continue
        lost = isinstance(after, Missing)
        there: Json = "measured"
        yield Finding(
            case_id=cases.case_id,
            kind="exact",
            figure=name.replace("_", " "),
            verdict=Verdict.LOST if lost else Verdict.GAINED,
            base=there if lost else None,
            head=None if lost else there,
            reason=(after if lost else before).reason,
        )
