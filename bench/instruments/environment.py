"""The machine, the software and the settings of a run, and what was going on at the time."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path

import psutil
import torch

from bench.codec import encode
from bench.git import git
from bench.instruments.noise import NOT_REPORTED, NoiseWindow, psi_cpu
from bench.instruments.products import product_rates
from bench.missing import Missing, or_missing
from bench.run import Environment, GemmRate, Gpu, Hardware, Settings, Software, Volatile
from emtm.processor import route_of

_PACKAGES = ("numpy", "fvcore", "pytest", "pytest-benchmark", "scipy", "safetensors")
_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
_NO_GIT = "not a git checkout, or git is not installed"
_SILENT = "the system does not say"


class EnvironmentWindow:
    """The environment when a run starts, and what happened to the machine until it ends."""

    def __init__(self, told: Mapping[str, str] = os.environ) -> None:
        """`told` are the variables that those who measure find in their environment."""
        self._hardware, self._software, self._settings = _hardware(), _software(), _settings(told)
        self._load = os.getloadavg()[0]
        self._psi = psi_cpu()
        self._products = product_rates()
        self._window = NoiseWindow()

    def close(self, reference: GemmRate | Missing) -> Environment:
        """The environment, with readings from the start until now; `reference` is the rate over that time."""
        return Environment(
            fingerprint=self._fingerprint(),
            hardware=self._hardware,
            software=self._software,
            settings=self._settings,
            volatile=self._volatile(reference),
        )

    def _fingerprint(self) -> str:
        """Of machine, software and settings: equal where runs may be compared."""
        blocks = {"hardware": self._hardware, "software": self._software, "settings": self._settings}
        text = json.dumps({name: encode(block) for name, block in blocks.items()}, sort_keys=True)
        return _sha256(text)

    def _volatile(self, reference: GemmRate | Missing) -> Volatile:
        noise = self._window.close()
        return Volatile(
            load1_start=self._load,
            load1_end=os.getloadavg()[0],
            steal_pct=noise.steal_pct,
            psi_cpu_some_avg10=or_missing(self._psi, NOT_REPORTED),
            cpu_pressure_pct=noise.cpu_pressure_pct,
            ram_available_bytes=psutil.virtual_memory().available,
            reference=reference,
            products=self._products,
        )


def commit(root: Path) -> str | Missing:
    """Commit of the checkout at `root`."""
    return or_missing(git(root, "rev-parse", "HEAD"), _NO_GIT)


def dirty(root: Path) -> bool | Missing:
    """Does the checkout at `root` hold changes that no commit has?"""
    # Without optional locks a benchmark never writes to the index of a checkout in use.
    status = git(root, "--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    return Missing(_NO_GIT) if status is None else bool(status)


def _hardware() -> Hardware:
    return Hardware(
        cpu_model=_cpu_model(),
        cores_physical=psutil.cpu_count(logical=False) or psutil.cpu_count() or 1,
        cores_logical=psutil.cpu_count() or 1,
        ram_bytes=psutil.virtual_memory().total,
        gpus=_gpus(),
    )


def _gpus() -> tuple[Gpu, ...]:
    if not torch.cuda.is_available():
        return ()
    found = (torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count()))
    return tuple(Gpu(name=p.name, vram_bytes=p.total_memory, sm_count=p.multi_processor_count) for p in found)


def _software() -> Software:
    versions = {name: _version(name) for name in _PACKAGES}
    installed = sorted(f"{d.name}=={d.version}" for d in importlib.metadata.distributions())
    return Software(
        python=platform.python_version(),
        torch=torch.__version__,
        os=f"{platform.system()} {platform.release()}",
        cuda=or_missing(torch.version.cuda, "torch was built without CUDA"),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        packages={name: version for name, version in versions.items() if version is not None},
        packages_hash=_sha256(" ".join(installed)),
    )


def _settings(told: Mapping[str, str]) -> Settings:
    affinity = tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else None
    return Settings(
        num_threads=torch.get_num_threads(),
        interop_threads=torch.get_num_interop_threads(),
        affinity=or_missing(affinity, _SILENT),
        mha_fastpath=torch.backends.mha.get_fastpath_enabled(),
        mkldnn=torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        products=route_of(batches=True).name,
        tf32=torch.backends.cuda.matmul.allow_tf32,
        cudnn_benchmark=torch.backends.cudnn.benchmark,
        deterministic=torch.are_deterministic_algorithms_enabled(),
        autograd="inference_mode",
        virtualised=or_missing(_container(), _SILENT),
        env={key: told[key] for key in _VARIABLES if key in told},
    )


def _sha256(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


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
