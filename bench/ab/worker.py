"""One side of a comparison, in a process of its own: builds cases and times calls as it is told.

Started as `python -m bench.ab.worker` with the revision's sources in front of the module search path. Questions come
as JSON lines on standard input, answers go as JSON lines to standard output; whatever a model prints goes to standard
error. The collector of garbage is off while calls are timed.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from typing import IO

from bench.ab.arm import PROTOCOL
from bench.missing import Json

WARMUP = 3
WARMUP_S = 2.0
"""Further calls to warm up are left out when so much time has gone."""
_UNIT = 200
"""Turns of a loop in one step of added work: some microseconds."""


def main() -> None:
    """Answers until standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
    for answer in _answers(sys.stdin):
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answers(questions: IO[str]) -> Iterator[Mapping[str, Json]]:
    from bench.ab.timed import cases, counts, timed_call

    known = cases()
    _settle()
    yield {"protocol": PROTOCOL, "cases": list(known)}
    call: Callable[[], object] | None = None
    call_s = step_s = 1.0
    for line in questions:
        question = json.loads(line)
        try:
            if question["do"] == "open":
                call = None  # The last model goes before the next one is built.
                gc.enable()
                gc.collect()
                call = timed_call(known[question["case"]])
                call_s, step_s = _warm(call), _warm(_step)
                yield {"call_s": call_s}
                gc.collect()
                gc.disable()
            elif question["do"] == "count":
                yield counts(known[question["case"]])
            elif call is not None:
                steps = round(question["slowdown"] * call_s / step_s)
                yield {"ns": _timed(call, steps)}
        except Exception as error:
            yield {"failed": f"{type(error).__name__}: {error}"}


def _settle() -> None:
    """The same core for all sides; not earlier, so that they load side by side on all of them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _warm(call: Callable[[], object]) -> float:
    """Median seconds of a call after the first."""
    seconds: list[float] = []
    began = time.perf_counter()
    while len(seconds) < WARMUP + 1 and (len(seconds) < 2 or time.perf_counter() - began < WARMUP_S):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return median(seconds[1:])


def _step() -> None:
    """A little real work: what a slowdown is made of, so that it slows with the machine."""
    for _ in range(_UNIT):
        pass


def _timed(call: Callable[[], object], steps: int) -> int:
    """Nanoseconds of one call with `steps` of added work inside.

    One call, and none before it: the speed of a shared machine wanders within some calls, and the nearer in time the
    sides are, the less of it is left in their ratio. What the other side threw out of the caches both sides pay alike.
    """
    start = time.perf_counter_ns()
    call()
    for _ in range(steps):
        _step()
    return time.perf_counter_ns() - start


if __name__ == "__main__":
    main()
