"""How a model is run: the one seam between what is measured and the way of running it.

A case names an `Execution`: where, with how many threads, in which precision, by which backend. The `Backend` of
that name makes a `Runner` of the model, and whatever times, sweeps or follows calls does so through the runner
alone. A training step, which no backend but torch itself can take, is a measure of its own.

A new backend is one new file in `bench/backends/`, which says there what it needs. Its cases join the matrix by
XX"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor

from bench.missing import Missing
from bench.record import ExecutionRecord
from bench.stages import StageTracker
from emtm.contract import AnyModel
from emtm.data.batch import Batch

T = TypeVar("T")
Dtype = Literal["float32", "bfloat16", "float16"]
_SHORT: dict[Dtype, str] = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}


class UnavailableError(Exception):
    """What a way of running or a measurement needs is not on this machine; the text is the reason."""


class InvalidOutputError(Exception):
    """A runner's output is not finite, or is not that of the model; the text says which."""


def _nothing() -> None:
    """The CPU runs synchronously: there is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class Device:
    """A torch device with the barrier that makes wall-clock readings on it mean something."""

    name: str
    synchronize: Callable[[], None] = _nothing

    def now_ns(self) -> int:
        """Monotonic clock after all work queued on the device has ended."""
        self.synchronize()
        return time.perf_counter_ns()


CPU = Device("cpu")


def devices() -> tuple[Device, ...]:
    """What this machine has: the CPU, and the current GPU if torch can use one."""
    if torch.cuda.is_available():
        return CPU, Device("cuda", torch.cuda.synchronize)
    return (CPU,)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Runs the block with `count` intra-op threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, slots=True)
class Execution:
    """One way of running a model."""

    device: Device = CPU
    threads: int = 1
    """Intra-op threads of the CPU."""
    dtype: Dtype = "float32"
    """Of weights and features."""
    backend: str = "eager"

    @property
    def name(self) -> str:
        """Its part of a case's id, such as `cpu|fp32|eager|t1`."""
        return "|".join([self.device.name, _SHORT[self.dtype], self.backend, f"t{self.threads}"])

    def record(self, mode: Literal["infer", "train"]) -> ExecutionRecord:
        """What a run file says of it."""
        return ExecutionRecord(
            device=self.device.name,
            dtype=self.dtype,
            backend=self.backend,
            mode=mode,
            threads=self.threads,
            cache="rotating inputs",
        )


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a runner is checked by."""

    span: Tensor
    """Start and end distributions over clips, `[B, 2, L]`."""
    moments: Tensor
    """`[B, 1, 3]`: start and end in seconds, score."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A call in two steps, so that a video is encoded once for all of its queries."""

    encode_video: Callable[[Batch], object]
    """The encoding of the batch's videos, in whatever form `pick` and `ground` take."""
    pick: Callable[[object, Tensor], object]
    """Rows of an encoding by their indices `[N]`, which may repeat: one row a query."""
    ground: Callable[[object, Batch], Tensor]
    """Moments `[N, 1, 3]` of the batch's queries in videos encoded before; the batch's own videos are not read."""


Staged = Callable[[StageTracker], AbstractContextManager[Callable[[Batch], Tensor]]]
"""Within the context, the callable that it gives enters the model's stages on the tracker.

Unlike a runner's other calls it leaves gradient modes to the caller, since some instruments need them.
"""


@dataclass(frozen=True, slots=True)
class Runner:
    """A model made ready to run in one way, in inference mode unless a field says otherwise.

    What a backend cannot give is `Missing` with the reason, which is then the reason of what is not measured.
    """

    call: Callable[[Batch], Tensor]
    """The best moment of every query, `[B, 1, 3]`, all work from features to moments included."""
    outputs: Callable[[Batch], Outputs]
    """What the same computation says, for the comparison with the model itself; not timed."""
    place: Callable[[Batch], Batch]
    """A batch as the other fields take it: on the device, in the precision. Never part of a timed call."""
    staged: Staged | Missing
    parts: Parts | Missing
    held: tuple[Tensor, ...] | Missing
    """Weights and buffers, where torch's dispatcher sees all that a call allocates besides them."""

    def __call__(self, batch: Batch) -> Tensor:
        """`call`, for a batch that has been placed."""
        return self.call(batch)


@dataclass(frozen=True, slots=True)
class Backend:
    """A way of making runners; a module of `bench/backends/` holds one as a constant."""

    name: str
    """As it stands in case ids."""
    dtypes: Callable[[Device], tuple[Dtype, ...]]
    """The precisions in which it runs on a device: one case a model and workload each."""
    build: Callable[[AnyModel, Execution, Batch], Runner]
    """Makes a runner of a model that is in eval mode and on the device of the execution.

    The batch is an example of the inputs, on the same device. The model stays as it is, since the runner is checked
    against it. Packages that not everybody has are imported here, not at the top of the file. Raises
    UnavailableError where it cannot run.
    """
    tolerance: float
    """Largest difference in span probability from the model itself that is still the same model."""
    title: str
    """The runner in a sentence, such as `the compiled model`."""


def deviation(found: Outputs, whole: Tensor, backend: Backend) -> float:
    """Largest difference in span probability between a runner's outputs and the model's own, `[B, 2, L]`.

    Raises InvalidOutputError where outputs are not finite, or differ by more than the backend's tolerance.
    """
    span = found.span.to(whole)
    if not (torch.isfinite(span).all() and torch.isfinite(found.moments).all()):
        raise InvalidOutputError("the output is not finite")
    worst = float((span - whole).abs().max())
    if not worst <= backend.tolerance:
        raise InvalidOutputError(f"{backend.title} and forward differ by {worst:.2g} in span probability")
    return worst


def required(value: T | Missing) -> T:
    """The value; raises UnavailableError with the reason where a runner has none."""
    if isinstance(value, Missing):
        raise UnavailableError(value.reason)
    return value
