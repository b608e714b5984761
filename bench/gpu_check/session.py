"""The harness's own cases on the device, measured as `pytest bench/` measures them, in the same kind of process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bench.cases import TRAIN_BATCH, TRAIN_THREADS, Case, Matrix
from bench.execution import Execution
from bench.gpu_check.plan import Plan
from bench.isolation.session import Session
from bench.lab import CaseError, Lab
from bench.measures import measures
from bench.missing import known
from bench.profiles import PROFILES

NAME = "session"
SHARE = 0.14
_PATIENCE = 0.5
"""Of the session's time; a measure that takes longer hangs."""


def make_lab(plan: Plan, root: Path, argv: Sequence[str], budget_s: float) -> Lab:
    """A session of one query and of training steps of every model, eager, within the smoke profile.

    `budget_s` is the time of the whole check.

    Single queries are not timed in further processes, and nothing is measured again: the time goes to the other parts.
    """
    patience_s = _PATIENCE * SHARE * budget_s
    profile = replace(PROFILES["smoke"], patience_s=patience_s, repeats=0, again_s=0.0, cold_starts=0)
    return Lab(Matrix(tuple(_cases(plan)), ()), profile, root, tuple(argv))


def measure(lab: Lab, folder: Path, ends: float) -> tuple[int, int]:
    """Makes the measures that apply, until the monotonic clock says `ends`: how many were made, of how many."""
    wanted = [(case, kind) for case in lab.matrix.cases for kind in measures() if kind.applies(case)]
    session = Session(lab, folder / "session.json")
    session.plan(len(wanted))
    try:
        for done, (case, kind) in enumerate(wanted):
            if time.monotonic() >= ends:
                return done, len(wanted)
            with suppress(CaseError):  # The case's record says why.
                session.measure(case, kind, lambda samples: None)
    finally:
        session.close()
    return len(wanted), len(wanted)


def told(lab: Lab) -> str:
    """How many cases are sound, and why the first of the others is not."""
    records = list(lab.records.values())
    sound = sum(record.status == "ok" for record in records)
    first = next((f"; {r.case_id}: {known(r.reason)}" for r in records if r.status != "ok"), "")
    return f"{sound} of {len(lab.matrix.cases)} cases measured{first}"


def _cases(plan: Plan) -> list[Case]:
    found = []
    device = plan.torch_device()
    for name in plan.models:
        subject = plan.subject(name)
        single = Case(
            name, name, subject.dataset, subject.config, subject.shape, "single_stream", Execution(device), batch_size=1
        )
        stepping = Execution(device, TRAIN_THREADS)
        size = plan.batch_size if plan.small else TRAIN_BATCH
        found += [single, replace(single, scenario="train_step", execution=stepping, batch_size=size)]
    return found
