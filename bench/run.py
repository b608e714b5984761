"""A whole run file: the code, the machine, what was going on, and the cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.gpu_record import GpuCheck
from bench.missing import ABSENT, Block, Json, Missing
from bench.record import CaseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite(Block):
    """The code that measured, and how it was told to."""

    version: str
    commit: str | Missing
    dirty: bool | Missing
    """Did the checkout hold changes that no commit has?"""
    profile: str
    seed: int
    argv: tuple[str, ...]
    budget: Mapping[str, Json] | Missing = ABSENT
    """`rule` in words, and its limits."""
    cut_off: str | Missing = ABSENT
    """How far a session came that did not come to its end, or has not yet."""
    sittings: int | Missing = ABSENT
    """In how many it was measured, where it was cut off and gone on with; `env` is of the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu(Block):
    """One graphics card."""

    name: str
    vram_bytes: int | Missing = ABSENT
    sm_count: int | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware(Block):
    """The machine."""

    cpu_model: str
    cores_physical: int
    cores_logical: int
    ram_bytes: int
    gpus: tuple[Gpu, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Software(Block):
    """Versions."""

    python: str
    torch: str
    os: str
    cuda: str | Missing = ABSENT
    cpu_capability: str | Missing = ABSENT
    packages: Mapping[str, str]
    packages_hash: str
    """Of all that is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Block):
    """What torch and the system were told."""

    num_threads: int | Missing = ABSENT
    interop_threads: int | Missing = ABSENT
    affinity: tuple[int, ...] | Missing = ABSENT
    mha_fastpath: bool | Missing = ABSENT
    mkldnn: bool | Missing = ABSENT
    products: str | Missing = ABSENT
    """Which library takes float32 products of batches on the CPU; a lone query's are taken as torch was built."""
    tf32: bool | Missing = ABSENT
    cudnn_benchmark: bool | Missing = ABSENT
    deterministic: bool | Missing = ABSENT
    autograd: str | Missing = ABSENT
    virtualised: str | Missing = ABSENT
    env: Mapping[str, str] | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class GemmRate(Block):
    """The machine's speed at the reference product over the run."""

    gemm_gflops: float
    num_threads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRate(Block):
    """The best that a way of taking float32 products on the CPU was seen to do, at the session's start."""

    route: str
    macs_per_s: float
    error: float
    """The largest difference from float64, as a share of the largest element."""
    exact: bool
    """Is that float32? What is not exact is never used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volatile(Block):
    """What was going on on the machine during the run."""

    load1_start: float | Missing = ABSENT
    load1_end: float | Missing = ABSENT
    steal_pct: float | Missing = ABSENT
    psi_cpu_some_avg10: float | Missing = ABSENT
    cpu_pressure_pct: float | Missing = ABSENT
    ram_available_bytes: int | Missing = ABSENT
    reference: GemmRate | Missing = ABSENT
    products: tuple[ProductRate, ...] | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment(Block):
    """Machine, software and settings, with a fingerprint of the three; and the volatile readings beside them."""

    fingerprint: str
    hardware: Hardware
    software: Software
    settings: Settings
    volatile: Volatile


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Block):
    """A whole run file."""

    schema: str
    schema_version: str
    run_id: str
    created_utc: str
    suite: Suite
    env: Environment
    cases: tuple[CaseRecord, ...]
    gpu_check: GpuCheck | Missing = ABSENT
    """What `python -m bench.gpu_check` found besides cases."""
