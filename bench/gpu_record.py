"""What a check of a device found, as it stands in a run file under `gpu_check`.

Rows are of one model each, at the sizes of the dataset that they name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bench.missing import ABSENT, Block, Missing
from bench.record import Energy

PartStatus = Literal["done", "out of time", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPart(Block):
    """One part of the check: how it went, whatever it found."""

    name: str
    status: PartStatus
    reason: str | Missing = ABSENT
    """Of what is not done."""
    seconds: float
    failed: Mapping[str, str]
    """Why what should have become a row did not, by its name; the other rows stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputDeviation(Block):
    """One output of a model, on the device against the CPU."""

    output: str
    deviation: float | Missing
    """Largest difference between elements, divided by the CPU's where that is above 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityRow(Block):
    """A model's outputs in single precision, without TF32."""

    model: str
    dataset: str
    tolerance: float
    outputs: tuple[OutputDeviation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRow(Block):
    """Latency and memory of one query in one way of running."""

    model: str
    dataset: str
    dtype: str
    """Of the arithmetic; weights stay in float32."""
    backend: str
    calls: int
    wall_s: float
    """Median of what a caller waits for."""
    event_s: float | Missing
    """Median between two events in the device's queue around the same calls."""
    ready_s: float
    """What making it ready took, compiling included."""
    span_deviation: float | Missing
    """Largest difference in span probability from float32, eager."""
    allocated_bytes: int | Missing
    """Peak during a call, weights included."""
    reserved_bytes: int | Missing
    process_bytes: int | Missing
    """By the driver, after the calls: context and libraries included, and what earlier rows made them keep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyRow(Block):
    """Energy of one query, float32 and eager."""

    model: str
    dataset: str
    energy: Energy


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow(Block):
    """Training steps of a model by its recipe, all on one batch."""

    model: str
    dataset: str
    batch_size: int
    losses: tuple[float, ...] | Missing
    """Of each step; missing where one is not finite."""
    step_s: float
    """Median of the steps after the first."""
    allocated_bytes: int | Missing
    """Peak during a step: weights, gradients and the optimiser's state included."""
    reserved_bytes: int | Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow(Block):
    """One step of a study, timed on few queries, and what the whole of it would take."""

    step: str
    seconds: float
    """All that it took here."""
    queries: int
    """That it took them for."""
    epochs: int | Missing = ABSENT
    """That were trained here."""
    epoch_s: float | Missing = ABSENT
    """Of the last epoch, validation included."""
    planned_epochs: int | Missing = ABSENT
    planned_queries: int
    planned_times: int
    """How often the study takes this step: once a seed for students."""
    planned_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuCheck(Block):
    """A check of one device; a part that was not reached has no rows."""

    device: str
    card: str | Missing
    driver: str | Missing
    budget_s: float
    parts: tuple[CheckPart, ...] = ()
    parity: tuple[ParityRow, ...] = ()
    speed: tuple[SpeedRow, ...] = ()
    energy: tuple[EnergyRow, ...] = ()
    training: tuple[StepRow, ...] = ()
    study: tuple[StudyRow, ...] = ()
    study_h: float | Missing = ABSENT
    """Hours of the whole study on this device."""
    study_from: str | Missing = ABSENT
    """What they are extrapolated from."""
