"""Seconds to ground a whole test split, every video encoded once and kept."""

from __future__ import annotations

from collections.abc import Callable

import torch

from bench.cases import Case
from bench.execution import Execution, Parts, required
from bench.instruments.noise import NoiseWindow
from bench.measure import Measure, Timing
from bench.record import EvaluationCost, Noise
from bench.workbench import Workbench
from emtm.data.batch import Batch

QUERIES = 3720
VIDEOS = 1334
"""Queries and videos of the Charades-STA test split."""


def start(bench: Workbench, case: Case) -> Timing:
    """One evaluation, or the share of it that the profile runs, after one untimed batch."""
    runner = bench.runner(case)
    parts = required(runner.parts)

    def batch_of(size: int) -> Batch:
        return bench.batches(case, size, 1)[0]

    share = bench.profile.evaluation_share
    measurement = EvaluationMeasurement(parts, batch_of, case.batch_size, case.execution, share)
    runner(batch_of(case.batch_size))
    noise = NoiseWindow()
    return Timing(measurement, lambda: (measurement.block(), noise.close()), quiet=True)


class EvaluationMeasurement:
    """A share of the evaluation, in batches of `size` queries or videos that `batch_of` makes."""

    def __init__(
        self, parts: Parts, batch_of: Callable[[int], Batch], size: int, execution: Execution, share: float
    ) -> None:
        self._parts, self._execution, self._size = parts, execution, size
        self._queries = max(self._size, round(QUERIES * share))
        self._videos = max(1, round(VIDEOS * share))
        needed = {*self._sizes(self._queries), *self._sizes(self._videos)}
        self._batches = {each: batch_of(each) for each in needed}
        self.seconds = 0.0

    def __call__(self) -> None:
        """Runs the evaluation once."""
        start = self._execution.device.now_ns()
        encoded = [self._parts.encode_video(self._batches[size]) for size in self._sizes(self._videos)]
        done = 0
        for size in self._sizes(self._queries):
            self._ground(encoded, done, size)
            done += size
        self.seconds = (self._execution.device.now_ns() - start) * 1e-9

    def block(self) -> EvaluationCost:
        """Scaled to the whole test split by the number of queries."""
        return EvaluationCost(
            queries=QUERIES,
            videos=VIDEOS,
            seconds=self.seconds * QUERIES / self._queries,
            queries_measured=self._queries,
            videos_measured=self._videos,
            seconds_measured=self.seconds,
            num_threads=self._execution.threads,
        )

    def _ground(self, encoded: list[object], done: int, size: int) -> None:
        # Queries arrive sorted by video, so a batch draws on one batch of videos, each for
        # about as many rows as it has queries.
        first = min(done * self._videos // self._queries // self._size, len(encoded) - 1)
        available = min(self._size, self._videos - first * self._size)
        rows = torch.arange(size, device=self._execution.device.name) * self._videos // self._queries % available
        self._parts.ground(self._parts.pick(encoded[first], rows), self._batches[size])

    def _sizes(self, total: int) -> list[int]:
        """Sizes of the batches that make up so many."""
        rest = total % self._size
        return [self._size] * (total // self._size) + ([rest] if rest else [])


EVALUATION = Measure("evaluation", "evaluation", (EvaluationCost, Noise), start, batched=True)
