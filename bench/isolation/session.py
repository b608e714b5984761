"""A session of measures in another process: what was found is on disk while the rest is measured."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.blocks import holds
from bench.cases import Case
from bench.isolation.again import Made, again, noise_of
from bench.isolation.apart import LostError
from bench.isolation.process import Process
from bench.isolation.repeat import repeat
from bench.lab import CaseError, Lab, LeftOutError
from bench.measure import Measure
from bench.missing import ABSENT, Missing
from emtm.errors import UserError

_WRITING_SHARE = 0.02
"""Of the time that a session takes, what is spent on keeping what it has."""


class Session:
    """The measures of a lab, made apart from it, and its run file."""

    def __init__(self, lab: Lab, path: Path | None) -> None:
        self.lab = lab
        self._path = path
        self._process = Process(lab.profile, lab.bench.all_threads)
        self._lost: set[str] = set()
        self._made: list[Made] = []
        self._done, self._planned = 0, 0
        self._write_next = 0.0

    def has(self, case: Case, measure: Measure) -> bool:
        """Did an earlier sitting settle it, one way or the other?"""
        if case.case_id not in self.lab.resumed:
            return False
        record = self.lab.record(case)
        return record.status != "ok" or (holds(record, measure.fills) and noise_of(record, measure) != "noisy")

    def plan(self, measures: int, done: int = 0) -> None:
        """Says how many measures are to come, and that they can be kept; raises UserError where they cannot.

        `done` are those of earlier sittings.
        """
        self._planned, self._done = measures + done, done
        target = self.lab.place(self._path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=target.parent):
                pass
        except OSError as error:
            raise UserError(f"cannot write {target}: {error.strerror}") from None
        if target.is_dir():
            raise UserError(f"cannot write {target}: it is a folder")

    def measure(self, case: Case, measure: Measure, show: Callable[[tuple[float, ...]], object]) -> None:
        """Makes a measure that stands in the case's record then; `show` is told the seconds of its timed calls.

        It is told once more where the measure has to be made again. Raises as `Lab.measure`, and CaseError for a case
        that took its process down with it, whatever the measure.
        """
        self._done += 1
        if case.case_id in self._lost:
            raise CaseError("the process was lost at an earlier measure")
        try:
            answer = self._process.measure(case, self.lab.record(case), measure)
        except LostError as error:
            self._lost.add(case.case_id)
            self.lab.lose(case, measure, str(error))
            raise CaseError(f"{measure.name}: {error}") from None
        self.lab.book(case, answer.record)
        if self._done < self._planned and time.monotonic() >= self._write_next:
            self.keep()
        if answer.refused:
            raise (LeftOutError if answer.refused == "left out" else CaseError)(answer.reason)
        show(answer.samples_s)
        self._made.append(Made(case, measure, show))

    def again(self, progress: Callable[[str], object]) -> None:
        """Measures once more what was disturbed, while the profile allows."""
        sound = [one for one in self._made if self.lab.record(one.case).status == "ok"]
        again(self.lab, self._process, sound, progress)

    def repeat(self, progress: Callable[[str], object]) -> None:
        """Times single queries once more in further processes."""
        self._process.close()
        threads = max((case.execution.threads for case in self.lab.matrix.of("single_stream")), default=1)
        repeat(self.lab, lambda: Process(self.lab.profile, threads), progress)

    def keep(self) -> None:
        """Writes what there is, marked as cut off."""
        began = time.monotonic()
        self.lab.write(self._path, self.cut_off)
        ended = time.monotonic()
        self._write_next = ended + (ended - began) / _WRITING_SHARE

    @property
    def cut_off(self) -> str | Missing:
        """How far the session came, if not to its end."""
        return ABSENT if self._done >= self._planned else f"{self._done} of {self._planned} measurements were made"

    def finish(self) -> tuple[Path, str]:
        """Writes the run file; where that fails it goes to a temporary folder, and the text says why."""
        self._process.close()
        try:
            return self.lab.write(self._path, self.cut_off), ""
        except UserError as error:
            folder = Path(tempfile.mkdtemp(prefix="emtm-bench-"))
            return self.lab.write(folder / f"{self.lab.run_id}.json", self.cut_off), str(error)

    def close(self) -> None:
        """Ends the process that measures."""
        self._process.close()
