"""What a reader must know before the numbers: warnings, and where they were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench.report.frame import rows_of
from bench.report.quantity import DASH, byte_size

Run = Mapping[str, Any]

_FACTS = (
    ("Processor", "hardware.cpu_model"),
    ("Cores, physical / logical", "hardware.cores_physical / hardware.cores_logical"),
    ("Memory", "hardware.ram_bytes"),
    ("Operating system", "software.os"),
    ("Python", "software.python"),
    ("PyTorch", "software.torch"),
    ("CUDA", "software.cuda"),
    ("Threads, intra-op / inter-op", "settings.num_threads / settings.interop_threads"),
    ("Allowed cores", "settings.affinity"),
    ("TF32", "settings.tf32"),
    ("Attention fast path", "settings.mha_fastpath"),
    ("Virtualised", "settings.virtualised"),
    ("Time some work waited for a CPU", "volatile.cpu_pressure_pct"),
    ("Load at the start (1 min)", "volatile.load1_start"),
    ("CPU time stolen by the host", "volatile.steal_pct"),
    ("Reference GEMM", "volatile.reference.gemm_gflops"),
    ("Environment fingerprint", "fingerprint"),
)
_UNITS = {"volatile.steal_pct": " %", "volatile.cpu_pressure_pct": " %", "volatile.reference.gemm_gflops": " GFLOP/s"}


def warnings(docs: Sequence[Run], cases: pd.DataFrame) -> list[str]:
    """What may make the numbers wrong or unrepeatable, gravest first."""
    found = _case_warnings(cases)
    for doc in docs:
        prefix = f"Run {doc['run_id']}: " if len(docs) > 1 else ""
        found += [prefix + warning for warning in _run_warnings(doc)]
    found += _pinning(docs)
    if len({_at(doc, "env.fingerprint") for doc in docs}) > 1:
        found.append("The runs come from different environments: their latencies are not comparable.")
    return found


def _case_warnings(cases: pd.DataFrame) -> list[str]:
    rows = rows_of(cases)
    status = Counter(str(row["status"]) for row in rows)
    noisy = sum(row.get("noise.verdict") in ("noisy", "invalid") for row in rows)
    counts = (
        (status["failed"], "failed; see “Cases without a result”."),
        (status["invalid"], "gave an unsound output; see “Cases without a result”."),
        (status["skipped"], "skipped; see “Cases without a result”."),
        (noisy, "measured while the machine was noisy: the times may be too long."),
    )
    return [f"{count} case{'s' if count > 1 else ''} {what}" for count, what in counts if count]


def _run_warnings(doc: Run) -> list[str]:
    found = []
    if _at(doc, "suite.dirty"):
        found.append("The working tree was dirty: the commit does not identify the code that ran.")
    elif _at(doc, "suite.commit") is None:
        found.append(f"The code that ran is unknown: {_at(doc, 'suite.commit_reason') or 'no commit was recorded'}.")
    load, cores = _at(doc, "env.volatile.load1_start"), _at(doc, "env.hardware.cores_logical")
    if load is not None and cores is not None and load > cores / 2:
        found.append(f"Other work was running at the start: load {load:.1f} on {cores} cores.")
    return found


def _pinning(docs: Sequence[Run]) -> list[str]:
    """Pinned means allowed on no more cores than there are threads; single queries run on few."""
    loose = []
    for doc in docs:
        threads = [_at(case, "execution.threads") for case in doc["cases"]]
        fewest, cores = min(filter(None, threads), default=1), _at(doc, "env.settings.affinity")
        if cores is None or len(cores) > fewest:
            loose.append(len(cores) if cores else None)
    if not loose:
        return []
    among = f" among {loose[0]} cores" if loose[0] else ""
    return [f"Threads were not pinned: the scheduler was free to move them{among}."]


def card(doc: Run) -> list[tuple[str, str]]:
    """The machine, the software and the settings of one run, as label and value."""
    suite = doc["suite"]
    dirty = " + uncommitted changes" if suite.get("dirty") else ""
    facts = [
        ("Run", str(doc["run_id"])),
        ("Measured", str(doc["created_utc"])),
        ("Suite", f"{suite.get('version')} at commit {str(suite.get('commit') or 'unknown')[:12]}{dirty}"),
        ("Profile, seed", f"{suite.get('profile')}, {suite.get('seed')}"),
    ]
    facts += [(label, text) for label, path in _FACTS if (text := _fact(doc["env"], path)) is not None]
    return facts + [("GPU", str(gpu.get("name"))) for gpu in _at(doc, "env.hardware.gpus") or []]


def _fact(env: Run, path: str) -> str | None:
    """One value, or two with a slash between; None where the run does not say."""
    values = [(part, _at(env, part)) for part in path.split(" / ")]
    if all(value is None for _, value in values):
        return None
    return " / ".join(_shown(part, value) for part, value in values)


def _shown(path: str, value: Any) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if path.endswith("_bytes"):
        return byte_size(value)
    return f"{value:.4g}{_UNITS.get(path, '')}" if isinstance(value, float) else f"{value}{_UNITS.get(path, '')}"


def _at(node: Any, path: str) -> Any:
    """The value at a dotted path, None where there is none."""
    for key in path.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
    return node
