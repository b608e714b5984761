"""Whether two folders hold the same results: all but what tells when, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from bench.results import read_run
from emtm.data.soft_labels import read_soft_labels
from emtm.errors import UserError
from emtm.files import parse_json, read_json
from emtm.training import manifest, runs

_TIMES = frozenset(
    {"seconds", "training_s", "teacher_s", "labels_s", "student_s", "points_per_teacher_hour", "created_utc", "run_id"}
)


def differences(expected: Path, found: Path) -> Iterator[str]:
    """Every file that is missing, not expected, or another."""
    names, others = (
        {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
        for place in (expected, found)
    )
    yield from (f"not there at the end: {name}" for name in sorted(names - others))
    yield from (f"left at the end: {name}" for name in sorted(others - names))
    for name in sorted(names & others):
        try:
            if _content(expected / name) != _content(found / name):
                yield f"another at the end: {name}"
        except (UserError, ValueError) as error:
            yield f"not whole at the end: {name}: {error}"


def _names(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def _content(path: Path) -> Any:
    if path.suffix == ".safetensors":
        tensors, state = runs.read_tensors(path)
        return {name: (str(t.dtype), t.shape, _bits(t)) for name, t in tensors.items()}, _timeless(state)
    if path.name == manifest.MANIFEST:
        return {name: len(hashes) for name, hashes in read_json(path)["files"].items()}
    if path.suffix == ".h5":
        return read_soft_labels(path).sha256
    if path.suffix == ".jsonl":
        return [_timeless(parse_json(line)) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".json":
        found = read_json(path)
        return _measured(path, found) if isinstance(found, dict) and "schema" in found else _timeless(found)
    return path.read_bytes()


def _measured(path: Path, found: dict[str, Any]) -> Any:
    """Times are others each time, and verdicts on them may be; what was measured is the same."""
    if found["schema"] == "emtm-bench/ab":
        return found["base"], found["head"], [trial["case_id"] for trial in found["trials"]]
    if found["schema"] == "emtm-bench/selftest":
        sessions = [session for sitting in found["sittings"] for session in sitting["sessions"]]
        return Counter(trial["case_id"] for session in sessions for trial in session["trials"])
    if found.get("suite", {}).get("argv", [""])[0] == "pytest":
        run = read_run(path)
        return str(run.suite.cut_off), {case.case_id: (case.status, case.params, case.compute) for case in run.cases}
    return _timeless(found)


def _bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _TIMES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
