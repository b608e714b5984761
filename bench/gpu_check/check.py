"""The whole check: part after part within its time, written after each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bench import results
from bench.gpu_check import session, study
from bench.gpu_check.making import OUT_OF_TIME, Made, make
from bench.gpu_check.part import Part
from bench.gpu_check.parts import PARTS
from bench.gpu_check.plan import Plan
from bench.gpu_check.worker import serve
from bench.gpu_record import CheckPart, GpuCheck, PartStatus, StudyRow
from bench.instruments.nvml import Card
from bench.isolation.apart import Apart
from bench.lab import Lab
from bench.missing import ABSENT, Missing

_START_LIMIT_S = 90.0


@dataclass
class Check:
    """A check under way."""

    plan: Plan
    lab: Lab
    out: Path
    budget_s: float
    say: Callable[[str], object]

    def __post_init__(self) -> None:
        self.found = GpuCheck(device=self.plan.device, card=_card(), driver=_driver(), budget_s=self.budget_s)
        self._began = time.monotonic()
        self._share = 0.0

    def run(self) -> GpuCheck:
        """Does all parts in order."""
        worker = Apart(serve, (self.plan,), self.plan.threads, _START_LIMIT_S)
        try:
            for part in PARTS:
                self._part(part, worker)
        finally:
            worker.close()
        self._session()
        return self.found

    def _part(self, part: Part, worker: Apart) -> None:
        ends, began = self._ends(part.share), time.monotonic()
        made = make(worker, part, self.plan, ends)
        changes: dict[str, Any] = {part.name: tuple(made.rows)}
        if part is study.STUDY:
            timed = [row for row in made.rows if isinstance(row, StudyRow)]
            changes |= {"study_h": study.hours(self.plan, timed), "study_from": study.basis(self.plan)}
        self._book(part.name, began, part.told(made.rows), made, **changes)

    def _session(self) -> None:
        ends, began, made = self._ends(session.SHARE), time.monotonic(), Made(reason=OUT_OF_TIME)
        if began < ends:
            try:
                measured, planned = session.measure(self.lab, self.plan.folder, ends)
                made = Made(begun=measured > 0, reason="" if measured == planned else OUT_OF_TIME)
            except Exception as error:
                made = Made(begun=True, failed={"the session": f"{type(error).__name__}: {error}"})
        self._book(session.NAME, began, session.told(self.lab), made)

    def _ends(self, share: float) -> float:
        """When a part has to end: what earlier ones left of their time is its own."""
        self._share += share
        return self._began + self._share * self.budget_s

    def _book(self, name: str, began: float, told: str, made: Made, **changes: Any) -> None:
        """Takes a part into the record, writes the file, and says how it went."""
        seconds = time.monotonic() - began
        status: PartStatus = "done" if not made.reason else "out of time" if made.begun else "skipped"
        part = CheckPart(
            name=name, status=status, reason=made.reason or ABSENT, seconds=seconds, failed=dict(made.failed)
        )
        self.found = replace(self.found, parts=(*self.found.parts, part), **changes)
        self.write()
        line = f"skipped: {made.reason}" if status == "skipped" else told
        line += f"; {made.reason} before the end" if status == "out of time" else ""
        line += "".join(f"; {item} failed: {why}" for item, why in list(made.failed.items())[:1])
        line += f" (and {len(made.failed) - 1} more)" if len(made.failed) > 1 else ""
        self.say(f"{name}: {line} [{seconds:.0f} s]")

    def write(self) -> None:
        """The run file with what there is, marked as cut off unless every part is whole."""
        whole, planned = sum(part.status == "done" for part in self.found.parts), len(PARTS) + 1
        cut_off = ABSENT if whole == planned else f"{whole} of {planned} parts of the check are there"
        results.write_run(replace(self.lab.run(cut_off), gpu_check=self.found), self.out)


def incomplete(found: GpuCheck) -> Sequence[str]:
    """Names of the parts that are not whole."""
    return [part.name for part in found.parts if part.status != "done" or part.failed]


def _card() -> str | Missing:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else Missing("there is none")


def _driver() -> str | Missing:
    try:
        return Card().driver
    except OSError as error:
        return Missing(f"no NVML: {error}")
