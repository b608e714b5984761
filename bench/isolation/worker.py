"""The process that measures: asked for one measure of one case after the other, until its parent ends."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from bench.cases import Case, Matrix
from bench.isolation.questions import Again, Answer, Pace
from bench.isolation.timing import once
from bench.lab import CaseError, Lab, LeftOutError
from bench.measure import Measure, Timing
from bench.measures import measures
from bench.profiles import Profile
from bench.record import CaseRecord
from emtm.memory import memory_bytes
from emtm.processes import serve_parent

_SPARED = 256 * 2**20
"""Memory that is left to the rest of the machine."""


def serve(line: Connection, profile: Profile) -> None:
    """Answers requests from `line`, first of all with None: that it is ready."""
    serve_parent()
    _limit_memory()
    lab = Lab(Matrix((), ()), profile, Path(), ())
    known = {measure.name: measure for measure in measures()}
    gc.freeze()  # What was imported stays: it is not to be looked through before each case's calls.
    line.send(None)
    while True:
        try:
            question = line.recv()
        except EOFError:
            return
        if isinstance(question, Again):
            lab.bench.know(question.case, question.macs, question.call_s)
            line.send(again(lab, question.case))
        else:
            line.send(answer(lab, question.case, question.record, known[question.measure]))


def answer(lab: Lab, case: Case, record: CaseRecord, measure: Measure) -> Answer:
    """Makes a measure on a case of which `record` is known so far."""
    samples_s: list[float] = []

    def time_calls(timing: Timing) -> None:
        for _ in range(timing.rounds):
            timing.prepare()
            began = time.perf_counter()
            timing.call()
            if timing.quiet:
                samples_s.append(time.perf_counter() - began)

    lab.records = {case.case_id: record}
    try:
        lab.measure(case, measure, time_calls)
    except LeftOutError as error:
        return Answer(lab.record(case), refused="left out", reason=str(error))
    except CaseError as error:
        return Answer(lab.record(case), refused="failed", reason=str(error))
    return Answer(lab.record(case), tuple(samples_s))


def again(lab: Lab, case: Case) -> Pace | None:
    """A few calls; None where they are too dear, or fail."""
    try:
        return once(lab.bench, case)
    except (Exception, SystemExit):
        return None


def _limit_memory() -> None:
    """What asks for more than there is gets an error, before the system kills this process or another.

    A graphics card's driver reserves more than there is, so with one the system is left to choose, and told whom.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    import torch

    if sys.platform == "linux" and not torch.cuda.is_available():
        import resource

        limit = max(_SPARED, memory_bytes() - _SPARED)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
