"""Whether a run file agrees with itself: what follows from its raw samples and counts is computed anew.

The schema says what may stand in a file; this says that the figures in it belong together, so that a file
that was edited by hand, or put together from two, is not compared with anything.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bench.codec import encode
from bench.consistency.counted import counted
from bench.consistency.follows import Complaints
from bench.consistency.quality import accuracies
from bench.consistency.sweeps import sweeps
from bench.consistency.timed import timed
from bench.missing import Block, known
from bench.record import CaseRecord
from bench.results import SchemaInvalidError, read_run
from bench.run import Environment, Run

_DTYPES = {"float32": "fp32", "float64": "fp64", "float16": "fp16", "bfloat16": "bf16"}


def read_consistent(path: Path) -> Run:
    """The run in a file as `read_run` reads it; raises SchemaInvalidError too where it contradicts itself."""
    run = read_run(path)
    for complaint in contradictions(run):
        raise SchemaInvalidError(f"{path} contradicts itself: {complaint}")
    return run


def contradictions(run: Run) -> Complaints:
    """What in a run file cannot be true together, each as a clause."""
    if run.run_id.partition("-")[0] != run.created_utc.replace("-", "").replace(":", ""):
        yield f"run_id {run.run_id} does not begin with the time in created_utc, {run.created_utc}"
    if run.env.fingerprint != fingerprint(run.env):
        yield "env.fingerprint is not that of the hardware, software and settings beside it"
    for case in run.cases:
        for complaint in _case(case):
            yield f"case '{case.case_id}': {complaint}"


def fingerprint(env: Environment) -> str:
    """The fingerprint that hardware, software and settings have as they stand in a file."""
    blocks: dict[str, Block] = {"hardware": env.hardware, "software": env.software, "settings": env.settings}
    text = json.dumps({name: encode(block) for name, block in blocks.items()}, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _case(case: CaseRecord) -> Complaints:
    yield from _name(case)
    yield from _ordered(case, "")
    yield from counted(case)
    yield from timed(case)
    yield from sweeps(case)
    yield from accuracies(case)


def _name(case: CaseRecord) -> Complaints:
    """The name is made of the fields, so that equal names mean the same measurement."""
    parts = case.case_id.split("|")
    model, workload, execution = case.model, case.workload, case.execution
    fields = [model.name, workload.dataset, workload.scenario]
    if parts[3:] != ["unavailable"]:
        fields += [execution.device, _DTYPES.get(execution.dtype, execution.dtype), execution.backend]
        fields += [f"t{known(execution.threads)}", f"b{workload.batch_size}", f"l{known(workload.num_clips)}"]
        fields += [f"s{known(model.seed)}"] if model.weights_kind == "trained" else []
    for part, field in zip(parts, fields, strict=False):
        if part != field:
            yield f"its name says '{part}' where its fields say '{field}'"
    if len(parts) < len(fields):
        yield f"its name lacks '{fields[len(parts)]}'"


def _ordered(block: Block, where: str) -> Complaints:
    """Every interval of a block, nested ones included: low end first."""
    for field in dataclasses.fields(block):
        name, value = field.name, getattr(block, field.name)
        place = f"{where}.{name}" if where else name
        if isinstance(value, Block):
            yield from _ordered(value, place)
        elif "ci9" in name and isinstance(value, tuple) and value[0] > value[1]:
            yield f"{place} ends below its beginning"
        elif isinstance(value, Mapping):
            for key, item in value.items():
                if isinstance(item, Block):
                    yield from _ordered(item, f"{place}.{key}")
