"""Run files made up for tests: real in form, with values that a test gives."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Doc = dict[str, Any]

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
GEMM_S = 1e-4


def commit(number: int) -> str:
    """Forty digits that no repository has."""
    return hashlib.sha1(f"synthetic {number}".encode()).hexdigest()


def run_doc(number: int, cases: Sequence[Doc], **changes: Any) -> Doc:
    """A run a day; `changes` are of the environment (`cpu_model`, `torch`), or `commit` and `dirty`."""
    created = START + timedelta(days=number)
    hardware = {
        "cpu_model": changes.get("cpu_model", "Old Processor"),
        "cores_physical": 2,
        "cores_logical": 2,
        "ram_bytes": 8 * 2**30 + 4096 * number,
        "gpus": [],
    }
    software = {
        "python": "3.11.7",
        "torch": changes.get("torch", "2.13.0"),
        "os": "Linux 6.1",
        "packages": {"numpy": "2.4.6"},
        "packages_hash": f"sha256:{0:064x}",
    }
    return {
        "schema": "emtm-bench/result",
        "schema_version": "1.0.0",
        "run_id": f"{created:%Y%m%dT%H%M%SZ}-{number:06x}",
        "created_utc": f"{created:%Y-%m-%dT%H:%M:%SZ}",
        "suite": {
            "version": "0.1.0",
            "commit": changes.get("commit", commit(number)),
            "dirty": changes.get("dirty", False),
            "profile": "ci",
            "seed": 0,
            "argv": ["pytest"],
        },
        "env": {
            "fingerprint": f"sha256:{number:064x}",
            "hardware": hardware,
            "software": software,
            "settings": {"num_threads": 2},
            "volatile": {},
        },
        "cases": list(cases),
    }


def case_doc(case_id: str = "toy|smoke|single_stream", **blocks: Any) -> Doc:
    """A case without any figure but those in `blocks`."""
    model, dataset, *_ = [*case_id.split("|"), "smoke"]
    return {
        "case_id": case_id,
        "model": {"name": model, "base": model, "role": "student", "config_hash": "0", "weights_kind": "random"},
        "workload": {"dataset": dataset, "scenario": "single_stream", "batch_size": 1},
        "execution": {"device": "cpu", "dtype": "float32", "backend": "eager", "mode": "infer"},
        "status": "ok",
        **copy.deepcopy(blocks),
    }


def failed_doc(case_id: str, reason: str = "RuntimeError: out of luck") -> Doc:
    """A case that gave no result."""
    return case_doc(case_id) | {"status": "failed", "reason": reason}


def timed(products: float, gemm_s: float = GEMM_S, spread: float = 0.01) -> Doc:
    """A reference block of a case that takes as long as so many reference products."""
    macs = 1_000_000
    floor_s = macs * gemm_s / 8388608
    ratio = products * gemm_s / floor_s
    return {
        "floor": "gemm",
        "gemm_shape": [64, 1024, 128],
        "gemm_s": gemm_s,
        "gemm_macs_per_s": 8388608 / gemm_s,
        "num_threads": 1,
        "macs": macs,
        "floor_s": floor_s,
        "measured_s": products * gemm_s,
        "ratio": ratio,
        "ratio_ci99": [ratio * (1 - spread), ratio * (1 + spread)],
    }


def noise(verdict: str) -> Doc:
    return {"verdict": verdict}


def quality(miou: float, half: float) -> Doc:
    return {
        "dataset": "smoke",
        "split": "test",
        "n": 100,
        "r1": {"0.5": miou},
        "miou": miou,
        "source": "measured",
        "ci95": {"miou": [miou - half, miou + half], "r1": {"0.5": [miou - half, miou + half]}},
    }


def params(total: int) -> Doc:
    counts = ("trainable", "frozen", "embedding", "buffers", "unreachable")
    return {"total": total, "bytes": 4 * total} | dict.fromkeys(counts, 0)


def write(folder: Path, docs: Sequence[Doc]) -> Path:
    """The runs as files whose names tell nothing of their order."""
    folder.mkdir(parents=True, exist_ok=True)
    for doc in docs:
        name = hashlib.md5(doc["run_id"].encode()).hexdigest()
        (folder / f"{name}.json").write_text(json.dumps(doc), "utf-8")
    return folder
