"""The machine, the software and the settings of a run, and what was going on at the time."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil
import torch

from bench.instruments.noise import NoiseWindow, psi_cpu

Block = dict[str, Any]
_PACKAGES = ("numpy", "fvcore", "pytest", "pytest-benchmark", "scipy", "safetensors")


def environment() -> Block:
    """Hardware, software and settings, with a fingerprint of the three; no volatile readings."""
    stable = {"hardware": _hardware(), "software": _software(), "settings": _settings()}
    text = json.dumps(stable, sort_keys=True)
    return {"fingerprint": f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", **stable}


class VolatileWindow:
    """Load when a run starts, and what happened to the machine until it ends."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._psi = psi_cpu()
        self._window = NoiseWindow()

    def close(self) -> Block:
        """Readings for the run file."""
        noise = self._window.close(1.0)
        block = {
            "load1_start": self._load,
            "load1_end": os.getloadavg()[0],
            "steal_pct": noise.steal_pct,
            "psi_cpu_some_avg10": self._psi,
            "cpu_pressure_pct": noise.cpu_pressure_pct,
            "ram_available_bytes": psutil.virtual_memory().available,
        }
        return _explained(block, "the kernel does not report it")


def repository(root: Path) -> Block:
    """Commit of the checkout at `root` and whether it has changes; null where git cannot say."""
    commit = _git(root, "rev-parse", "HEAD")
    # Without optional locks a benchmark never writes to the index of a checkout in use.
    status = _git(root, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    block = {"commit": commit, "dirty": None if status is None else bool(status)}
    return _explained(block, "not a git checkout, or git is not installed")


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _hardware() -> Block:
    return {
        "cpu_model": _cpu_model(),
        "cores_physical": psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        "cores_logical": psutil.cpu_count() or 1,
        "ram_bytes": psutil.virtual_memory().total,
        "gpus": _gpus(),
    }


def _gpus() -> list[Block]:
    if not torch.cuda.is_available():
        return []
    names = (torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count()))
    return [{"name": p.name, "vram_bytes": p.total_memory, "sm_count": p.multi_processor_count} for p in names]


def _software() -> Block:
    versions = {name: _version(name) for name in _PACKAGES}
    installed = sorted(f"{d.name}=={d.version}" for d in importlib.metadata.distributions())
    block = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "os": f"{platform.system()} {platform.release()}",
        "cuda": torch.version.cuda,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "packages": {name: version for name, version in versions.items() if version is not None},
        "packages_hash": f"sha256:{hashlib.sha256(' '.join(installed).encode()).hexdigest()}",
    }
    return _explained(block, "torch was built without CUDA")


def _settings() -> Block:
    block = {
        "num_threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "affinity": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "mha_fastpath": torch.backends.mha.get_fastpath_enabled(),
        "mkldnn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "autograd": "inference_mode",
        "virtualised": _container(),
        "env": {k: os.environ[k] for k in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if k in os.environ},
    }
    return _explained(block, "the system does not say")


def _container() -> str | None:
    if Path("/.dockerenv").exists():
        return "docker"
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return None
    return "hypervisor" if " hypervisor" in flags else "no"


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _explained(block: Block, reason: str) -> Block:
    return {**block, **{f"{key}_reason": reason for key, value in block.items() if value is None}}
