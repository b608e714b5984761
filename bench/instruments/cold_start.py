"""What a first answer takes in a process that has just begun: each step of it, in one fresh process after the other."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from safetensors.torch import save_file

from bench.execution import Execution, UnavailableError
from bench.settled import settled
from bench.subjects import Shape
from emtm.contract import AnyModel
from emtm.files import json_text
from emtm.temporary import scratch

STEPS = ("start", "import", "build", "load", "first_call")
"""Interpreter; torch and the model's module; the model with random weights; its weights from a file; one query."""
_LIMIT_S = 300.0


def first_answers(
    model: AnyModel, name: str, shape: Shape, execution: Execution, processes: int
) -> dict[str, tuple[float, ...]]:
    """Seconds of each of `STEPS`, one a process; files are in the system's cache, as where a program is used often.

    Raises:
        UnavailableError: a process does not answer.
    """
    with scratch("bench") as folder:
        weights, spec = folder / "weights.safetensors", folder / "spec.json"
        # Tensors that share memory cannot be written as they are.
        state = {key: value.detach().cpu().clone().contiguous() for key, value in model.inference_state().items()}
        save_file(state, weights)
        stored = {
            "model": name,
            "config": dataclasses.asdict(model.config),
            "shape": dataclasses.asdict(shape),
            "weights": str(weights),
            "threads": execution.threads,
            "device": execution.device.name,
        }
        spec.write_text(json_text(stored), "utf-8")
        found = [_first_answer(spec, execution.threads) for _ in range(processes)]
    return {step: tuple(spent[step] for spent in found) for step in STEPS}


def _first_answer(spec: Path, threads: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.first_answer", str(spec)]
    environment = {**os.environ, **settled(threads)}
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"a fresh process gave no answer within {_LIMIT_S:.0f} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()
        why = said[-1] if said else f"exit code {done.returncode}"
        raise UnavailableError(f"a fresh process ended without an answer: {why}")
    ends: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    moments = [began, *ends.values()]
    return dict(zip(ends, (after - before for before, after in pairwise(moments)), strict=True))
