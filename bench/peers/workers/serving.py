"""Answers questions in JSON lines with the worker of another file: `python serving.py FILE ARGUMENTS...`.

The file is loaded by its path and has a function `worker(*arguments)`, whose result has `versions`, a mapping, and
three methods that take a question:

* `make` builds a model in place of the last one, and writes its weights to the file named, or reads them;
* `answer` gives arrays by name, which are compared with those of another process before anything is timed;
* `open` gives a function that makes one call, on the next of its inputs.

Any python from 3.9 on runs this file, with its standard library and numpy. What a worker prints goes to standard error.
While calls are timed the collector of garbage is off. Processes are held to no core: TensorFlow hands the work of its
one thread to another thread, and the two would wait for each other there.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROTOCOL = 1
WARM_UP = (3, 0.5)
"""Calls after the first, and the seconds after which there are no more."""


def main() -> None:
    """Answers until standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [path for path in sys.path if path != here]  # Its names are none of the worker's.
    for answer in _answers():
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answers() -> Iterator[dict[str, Any]]:
    try:
        worker = _loaded(*sys.argv[1:])
        yield {"protocol": PROTOCOL, "versions": {"python": sys.version.split()[0], **worker.versions}}
    except Exception as error:
        yield {"failed": _said(error)}
        return
    call: Callable[[], object] = _nothing
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["do"] == "call":
                start = time.perf_counter_ns()
                call()
                yield {"ns": time.perf_counter_ns() - start}
                continue
            call = _nothing  # The last model goes before the next one is built.
            gc.enable()
            gc.collect()
            if question["do"] == "open":
                call = worker.open(question)
                call_s = _warm(call)
                gc.collect()
                gc.disable()
                yield {"call_s": call_s}
                continue
            if question["do"] == "make":
                worker.make(question)
            else:
                _write(question["out"], worker.answer(question))
            yield {"done": True}
        except Exception as error:
            yield {"failed": _said(error)}


def _loaded(file: str, *arguments: str) -> Any:
    spec = importlib.util.spec_from_file_location("peer_worker", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.worker(*arguments)


def _write(path: str, arrays: dict[str, Any]) -> None:
    import numpy as np

    np.savez(path, **arrays)


def _warm(call: Callable[[], object]) -> float:
    """Least seconds of the calls after the first."""
    seconds: list[float] = []
    began = time.perf_counter()
    while len(seconds) <= WARM_UP[0] and (len(seconds) < 2 or time.perf_counter() - began < WARM_UP[1]):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds[1:])


def _nothing() -> None:
    raise RuntimeError("nothing is open")


def _said(error: Exception) -> str:
    first = str(error).strip().splitlines()
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


if __name__ == "__main__":
    main()
