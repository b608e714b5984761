"""Changes that came together: what many figures show at one run is told once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.history.changes import Analysis, Change
from bench.history.format import step_text
from bench.history.status import is_bad


@dataclass(frozen=True, slots=True)
class Event:
    """Changes of many figures that may have come with one commit, for one cause and in one direction."""

    changes: tuple[Change, ...]
    narrowest: Change
    """Whose commit range is the shortest: it stands for all."""

    @property
    def span(self) -> str:
        """The smallest and the largest change."""
        found = sorted(self.changes, key=lambda change: change.relative)
        return " to ".join(dict.fromkeys(step_text(change) for change in (found[0], found[-1])))

    @property
    def figures(self) -> str:
        """What changed: one figure by name, many by their number."""
        first = self.changes[0]
        if len(self.changes) == 1:
            return f"{first.measure.name} of {first.case_id}"
        cases = len({change.case_id for change in self.changes})
        where = first.case_id if cases == 1 else f"{cases} cases"
        titles = list(dict.fromkeys(change.measure.name for change in self.changes))
        return f"{titles[0] if len(titles) == 1 else f'{len(self.changes)} figures'} of {where}"


def events(analyses: Iterable[Analysis]) -> list[Event]:
    """Newest first; what is worse before what is better."""
    changes = [change for analysis in analyses for change in analysis.changes]
    groups: list[list[Change]] = []
    # The narrowest ranges first: a wide one joins the first that it holds, since one commit may have done both.
    for change in sorted(changes, key=lambda change: (change.first_bad - change.last_good, -change.run)):
        group = next((group for group in groups if _together(group[0], change)), None)
        if group is None:
            groups.append([change])
        else:
            group.append(change)
    groups.sort(key=lambda group: (-group[0].run, not is_bad(group[0])))
    return [Event(tuple(sorted(group, key=_order)), group[0]) for group in groups]


def _together(narrow: Change, wide: Change) -> bool:
    return (
        (narrow.cause, is_bad(narrow)) == (wide.cause, is_bad(wide))
        and wide.last_good <= narrow.last_good
        and narrow.first_bad <= wide.first_bad
    )


def _order(change: Change) -> tuple[str, str]:
    return change.case_id, change.measure.name
