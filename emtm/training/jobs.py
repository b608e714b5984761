"""Several training runs, one after another or a few at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from emtm.errors import UserError
from emtm.processes import serve_parent
from emtm.processor import compute_at_best
from emtm.temporary import sweep
from emtm.training import runs
from emtm.training.history import read_history
from emtm.training.loop import train
from emtm.training.spec import RunSpec

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """One run to be trained."""

    name: str
    spec: RunSpec
    out: Path

    @property
    def done(self) -> bool:
        """Whether the run is finished."""
        return (self.out / runs.METRICS).exists()


def run_jobs(jobs: Sequence[Job], title: str, *, parallel: int, threads: int, device: str, quiet: bool) -> None:
    """Train every job that is not done, `parallel` at a time; a run cut off goes on where it stood.

    Raises what the first failing run raises, once those under way have stopped; UserError where a process was killed.
    """
    waiting = [job for job in jobs if not job.done]
    for job in jobs:
        if job.done:
            sweep(job.out)
    with _Display(jobs, title, quiet):
        if not waiting:
            return
        # A process of its own gives each run the same memory, threads and generator, whoever runs beside it.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(min(parallel, len(waiting)), context, _begin, (threads,)) as pool:
            futures = [pool.submit(_train, job, device) for job in waiting]
            try:
                for future in as_completed(futures):
                    future.result()
            except BrokenProcessPool:
                raise UserError(
                    "a process that trained was ended from outside, as the system does when memory runs out; what was "
                    "done is kept, and the same command goes on"
                ) from None
            except BaseException:
                _stop(pool, futures)
                raise


def _begin(threads: int) -> None:
    serve_parent()
    torch.set_num_threads(threads)
    compute_at_best()


def _train(job: Job, device: str) -> None:
    train(job.spec, job.out, resume=True, device=device, quiet=True)


def _stop(pool: ProcessPoolExecutor, futures: list[Future[None]]) -> None:
    for future in futures:
        future.cancel()
    for process in list((pool._processes or {}).values()):
        process.terminate()


class _Display:
    """Bars on stderr: all jobs, and the epochs of those under way, read from their histories."""

    def __init__(self, jobs: Sequence[Job], title: str, quiet: bool) -> None:
        self.jobs, self.title = jobs, title
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            disable=quiet,
            console=Console(stderr=True),
        )
        self.bars: dict[str, TaskID] = {}
        self.stopped = Event()
        self.thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self.progress.start()
        self.overall = self.progress.add_task(self.title, total=len(self.jobs))
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()
        self._update()
        self.progress.stop()

    def _watch(self) -> None:
        while not self.stopped.wait(POLL_S):
            self._update()

    def _update(self) -> None:
        self.progress.update(self.overall, completed=sum(job.done for job in self.jobs))
        for job in self.jobs:
            if job.done:
                if job.name in self.bars:
                    self.progress.remove_task(self.bars.pop(job.name))
            elif (job.out / runs.RUN).exists():
                if job.name not in self.bars:
                    self.bars[job.name] = self.progress.add_task(f"  {job.name}", total=job.spec.recipe.epochs)
                self.progress.update(self.bars[job.name], completed=len(read_history(job.out)))
