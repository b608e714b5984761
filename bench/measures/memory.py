"""Peak memory of a single query, and the operators that it dispatches: both follow one call operator by operator."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bench import budget
from bench.cases import Case
from bench.execution import Device, Runner, required
from bench.instruments import dispatch, memory
from bench.measure import Measure, Timing
from bench.missing import Missing
from bench.record import Dispatch, Memory
from bench.workbench import Workbench
from emtm.data.batch import Batch

_NO_HOST = Missing("the kernel does not let a process reset its high-water mark")
_NO_GPU = Missing("ran on the CPU")


def start(bench: Workbench, case: Case) -> Timing:
    """Measures once."""
    runner = bench.runner(case)
    held = required(runner.held)
    budget.check_memory(bench.call_s(case), bench.profile)
    found = list[Memory | Dispatch]()

    def call() -> None:
        (batch,) = bench.batches(case, case.batch_size, 1)
        found.append(measure(runner, held, batch, case.execution.device))
        found.append(dispatch.measure(lambda: runner(batch)))

    return Timing(call, lambda: found)


def measure(runner: Runner, held: Sequence[Tensor], batch: Batch, device: Device) -> Memory:
    """Of one call beside the weights that are `held`."""

    def call() -> object:
        return runner(batch)

    call()
    activations = memory.activation_peak_bytes(call)
    tensors = [*held, batch.video, batch.word_ids, batch.char_ids]
    weights = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    host, gpu = memory.host_peak(call), memory.device_peak(call, device)
    return Memory(
        activation_peak_bytes=activations,
        tensor_peak_bytes=weights + activations,
        host_baseline_bytes=_NO_HOST if host is None else host.baseline_bytes,
        host_peak_bytes=_NO_HOST if host is None else host.peak_bytes,
        device_peak_allocated_bytes=_NO_GPU if gpu is None else gpu.allocated_bytes,
        device_peak_reserved_bytes=_NO_GPU if gpu is None else gpu.reserved_bytes,
        method="dispatch" + (", VmHWM" if host else "") + (", cuda_stats" if gpu else ""),
    )


MEMORY = Measure("memory", "single_stream", (Memory, Dispatch), start, order=30)
