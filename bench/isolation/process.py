"""The process that measures, as the session sees it."""

from __future__ import annotations

from bench.cases import Case
from bench.isolation.apart import Apart
from bench.isolation.questions import Again, Answer, Make, Pace
from bench.isolation.worker import serve
from bench.measure import Measure
from bench.profiles import Profile
from bench.record import CaseRecord


class Process(Apart):
    """Measures in a process of its own, with at most `threads`."""

    def __init__(self, profile: Profile, threads: int) -> None:
        super().__init__(serve, (profile,), threads)
        self._patience_s = profile.patience_s

    def measure(self, case: Case, record: CaseRecord, measure: Measure) -> Answer:
        """Makes a measure on a case of which `record` is known so far; raises LostError."""
        answer = self.ask(Make(case, record, measure.name), self._patience_s)
        assert isinstance(answer, Answer)
        return answer

    def repeat(self, case: Case, call_s: float, macs: int | None = None) -> Pace | None:
        """Times some calls, of about `call_s` seconds, of a case that was measured; raises LostError.

        The case is counted first, unless its `macs` are known.
        """
        answer = self.ask(Again(case, call_s, macs), self._patience_s)
        assert answer is None or isinstance(answer, Pace)
        return answer
