"""Several processes training one model, as `torchrun` starts them.

Every process holds the model and takes its part of each batch; gradients are averaged, so that a
step is that of the whole batch. Started alone, a process is a world of one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from emtm.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """This process among all that train together."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> list[T]:
        """This process's part; of too few items, one that another process has too."""
        return list(items[self.rank :: self.size]) or [items[self.rank % len(items)]]

    def replicate(self, module: nn.Module) -> nn.Module:
        """`module`, averaging its gradients over the processes."""
        if self.size == 1:
            return module
        # Some published models hold parameters that no loss reaches.
        return DistributedDataParallel(module, find_unused_parameters=True)

    def gather(self, part: dict[str, T]) -> dict[str, T]:
        """The parts of all processes in one mapping."""
        if self.size == 1:
            return part
        parts: list[dict[str, T]] = [{} for _ in range(self.size)]
        dist.all_gather_object(parts, part)
        return {key: value for each in parts for key, value in each.items()}

    def wait(self) -> None:
        """Returns once every process has come here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def join(device: str) -> Iterator[World]:
    """The world that `torchrun` describes in the environment; of one process outside of it."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(device=device)
        return
    rank, local = int(os.environ["RANK"]), int(os.environ["LOCAL_RANK"])
    cuda = device.startswith("cuda")
    if cuda:
        if local >= torch.cuda.device_count():
            raise UserError(f"process {local} has no GPU of its own: there are {torch.cuda.device_count()}")
        device = f"cuda:{local}"
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield World(rank, size, device)
    finally:
        dist.destroy_process_group()
