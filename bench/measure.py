"""Measurements of a case: instruments put together, one function a block of the record.

The functions that time something return a probe's plan, so that the caller (pytest-benchmark, or
a test) makes the calls.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from itertools import cycle, islice

import torch

from bench import budget, stats
from bench.cases import EVALUATION_BATCH, Case
from bench.instruments import energy, memory, throughput
from bench.instruments.device import threads
from bench.instruments.latency import CLOCK, LatencyProbe, stage_seconds
from bench.instruments.noise import NoiseWindow
from bench.instruments.reference import GemmFloor, floor_ratio
from bench.missing import Missing, or_missing
from bench.profiles import Profile
from bench.record import Energy, EvaluationCost, Latency, Memory, Noise, Reference, Throughput, Training
from bench.subjects import TEACHERS, infer, infer_staged, make_batch, take_rows
from emtm.data.batch import Batch
from emtm.registry import AnyModel, preset
from emtm.training.loop import optimize
from emtm.training.optimizer import build_optimizer

POOL = 4
EVALUATION_QUERIES = 3720
EVALUATION_VIDEOS = 1334
"""Queries and videos of the Charades-STA test split."""


def batch_pool(case: Case, size: int, count: int = POOL, *, targets: bool = False) -> list[Batch]:
    """Different inputs of the case's shape on the case's device."""
    width = case.config.feature_dim
    return [make_batch(case.shape, width, size, seed, targets=targets).to(case.device.name) for seed in range(count)]


class LatencyMeasurement:
    """Single-query latency, sampled in turn with the GEMM floor."""

    def __init__(self, case: Case, model: AnyModel, profile: Profile) -> None:
        self._case = case
        self._model = model
        self._profile = profile
        self._pool = batch_pool(case, case.batch_size)
        self.floor = GemmFloor(case.device)
        self.probe = LatencyProbe(self._infer, self._pool, case.device, self.floor.sample)
        self._noise = NoiseWindow()
        self._warmup = 0

    def warm_up(self, call_s: float) -> float:
        """Untimed calls of about `call_s` seconds; returns the seconds one call takes."""
        self._warmup = budget.few_calls(call_s, self._profile, self._profile.warmup)
        self.probe.repeat(self._warmup)
        once_s = min(self.probe.samples_s)
        self.probe.forget()
        self.floor.samples_s.clear()
        self._noise = NoiseWindow()
        return once_s

    def blocks(self, macs: int) -> tuple[Latency, Reference, Energy, Noise]:
        """Of the samples so far."""
        samples = self.probe.samples_s
        ratio = floor_ratio(samples, self.floor, macs, self._case.threads)
        noise = self._noise.close(self.floor.drift)
        joules = energy.measure(lambda: self._infer(self._pool[0]), self._case.device)
        return latency_block(samples, self._warmup, self._by_stage()), ratio, joules, noise

    def _infer(self, batch: Batch) -> object:
        with torch.inference_mode():
            return infer(self._model, batch)

    def _by_stage(self) -> dict[str, float]:
        """Median seconds of each stage, from calls of their own: the hooks cost a little."""
        count = budget.few_calls(min(self.probe.samples_s), self._profile, self._profile.stage_rounds)
        passes = [
            stage_seconds(
                self._model,
                lambda tracker, batch=batch: infer_staged(self._model, batch, tracker),  # type: ignore[misc]
                dict(self._model.stages),
                self._case.device,
            )
            for batch in islice(cycle(self._pool), count)
        ]
        names = dict.fromkeys(name for spent in passes for name in spent)
        return {name: stats.summarise([spent.get(name, 0.0) for spent in passes]).median for name in names}


def latency_block(samples_s: list[float], warmup: int, by_stage: Mapping[str, float]) -> Latency:
    """Of samples in seconds, after `warmup` untimed calls."""
    found = stats.summarise(samples_s)
    return Latency(
        clock=CLOCK,
        warmup=warmup,
        n=found.n,
        median=found.median,
        median_ci99=or_missing(found.median_ci99, stats.interval_reason(found.n)),
        mean=found.mean,
        iqr=found.iqr,
        min=found.min,
        max=found.max,
        outliers=found.outliers,
        p90=_percentile(samples_s, 90.0),
        p95=_percentile(samples_s, 95.0),
        p99=_percentile(samples_s, 99.0),
        samples=tuple(samples_s),
        by_stage=by_stage,
    )


def _percentile(samples_s: list[float], rank: float) -> float | Missing:
    return or_missing(stats.percentile(samples_s, rank), stats.percentile_reason(len(samples_s), rank))


def measure_throughput(case: Case, model: AnyModel, profile: Profile, num_threads: int, call_s: float) -> Throughput:
    """The batch sweep with `num_threads` threads, of a model that takes `call_s` seconds a query.

    Raises TooDearError when not even the smallest batch fits the profile.
    """

    def make_run(size: int) -> Callable[[], object]:
        batch = batch_pool(case, size, 1)[0]

        def run() -> object:
            with torch.inference_mode():
                return infer(model, batch)

        return run

    with threads(num_threads):
        points = throughput.sweep(
            profile.throughput_batches,
            make_run,
            case.device,
            profile.throughput_point_s,
            profile.throughput_calls,
            call_s,
            lambda calls, seconds: budget.too_dear(calls, seconds, profile.limits.sweep_point_s, profile),
        )
    if points[0].status == "skipped" and isinstance(points[0].value, Missing):
        raise budget.TooDearError(points[0].value.reason)
    top = throughput.best(points)
    assert not isinstance(top.value, Missing)
    return Throughput(
        value=top.value,
        ci99=top.ci99,
        calls=top.calls,
        best_batch=top.batch,
        knee_batch=throughput.knee_batch(points),
        num_threads=num_threads,
        curve=tuple(points),
    )


def measure_memory(case: Case, model: AnyModel) -> Memory:
    """Of one inference."""
    batch = batch_pool(case, case.batch_size, 1)[0]

    def call() -> object:
        with torch.inference_mode():
            return infer(model, batch)

    call()
    activations = memory.activation_peak_bytes(call)
    tensors = [*model.parameters(), *model.buffers(), batch.video, batch.word_ids, batch.char_ids]
    held = sum(t.numel() * t.element_size() for t in tensors)
    host, gpu = memory.host_peak(call), memory.device_peak(call, case.device)
    no_host = Missing("the kernel does not let a process reset its high-water mark")
    no_gpu = Missing("ran on the CPU")
    return Memory(
        activation_peak_bytes=activations,
        tensor_peak_bytes=held + activations,
        host_baseline_bytes=no_host if host is None else host.baseline_bytes,
        host_peak_bytes=no_host if host is None else host.peak_bytes,
        device_peak_allocated_bytes=no_gpu if gpu is None else gpu.allocated_bytes,
        device_peak_reserved_bytes=no_gpu if gpu is None else gpu.reserved_bytes,
        method="dispatch" + (", VmHWM" if host else "") + (", cuda_stats" if gpu else ""),
    )


class TrainStepMeasurement:
    """One whole training step: forward, loss, backward, clipping and the optimiser's update."""

    def __init__(self, case: Case, model: AnyModel, profile: Profile) -> None:
        self._case = case
        # A copy takes the training-only branches, which must not show up in what is measured next.
        self._model = copy.deepcopy(model)
        self._model.prepare_training(TEACHERS if model.taught else 0)
        self._profile = profile
        self._recipe = preset(case.model, case.dataset).recipe
        self._optimizer = build_optimizer(self._model, self._recipe)
        self.floor = GemmFloor(case.device)
        pool = batch_pool(case, case.batch_size, 2, targets=True)
        self.probe = LatencyProbe(self._step, pool, case.device, self._between)
        self._noise = NoiseWindow()

    def warm_up(self) -> float:
        """Untimed steps; returns the seconds one step takes."""
        self._model.train()
        torch.manual_seed(0)
        self.probe.repeat(1)
        once_s = min(self.probe.samples_s)
        self.probe.forget()
        self.floor.samples_s.clear()
        self._noise = NoiseWindow()
        return once_s

    def blocks(self, macs: int) -> tuple[Training, Reference, Noise]:
        """Of the samples so far."""
        samples, size = self.probe.samples_s, self._case.batch_size
        found = stats.summarise(samples)
        training = Training(
            step_s=found.median,
            step_ci99_s=or_missing(found.median_ci99, stats.interval_reason(found.n)),
            samples_per_s=size / found.median,
            n=found.n,
            samples=tuple(samples),
            includes=("forward", "loss", "backward", "clip", "optimizer"),
        )
        ratio = floor_ratio(samples, self.floor, budget.TRAIN_CALLS * size * macs, self._case.threads)
        return training, ratio, self._noise.close(self.floor.drift)

    def _between(self) -> None:
        # A step is long, so a single burst before it would see too little of the machine.
        for _ in range(4):
            self.floor.sample()

    def _step(self, batch: Batch) -> None:
        loss = self._model.loss(self._model(batch), batch).total
        # A learning rate of zero costs the same and keeps the loss where it was.
        optimize(self._model, self._optimizer, loss, 0.0, self._recipe.clip_norm)


class EvaluationMeasurement:
    """Seconds to ground all test queries, every video encoded once and kept."""

    def __init__(self, case: Case, model: AnyModel, share: float) -> None:
        self._case = case
        self._model = model
        self._queries = max(EVALUATION_BATCH, round(EVALUATION_QUERIES * share))
        self._videos = max(1, round(EVALUATION_VIDEOS * share))
        self._batch = batch_pool(case, EVALUATION_BATCH, 1)[0]
        self.seconds = 0.0

    def __call__(self) -> None:
        """Runs the evaluation once."""
        start = self._case.device.now_ns()
        with torch.inference_mode():
            encoded = [self._encode(size) for size in _sizes(self._videos, EVALUATION_BATCH)]
            done = 0
            for size in _sizes(self._queries, EVALUATION_BATCH):
                self._ground(encoded, done, size)
                done += size
        self.seconds = (self._case.device.now_ns() - start) * 1e-9

    def warm_up(self) -> None:
        """One untimed batch."""
        with torch.inference_mode():
            infer(self._model, self._batch)

    def block(self) -> EvaluationCost:
        """Scaled to the whole test split by the number of queries."""
        return EvaluationCost(
            queries=EVALUATION_QUERIES,
            videos=EVALUATION_VIDEOS,
            seconds=self.seconds * EVALUATION_QUERIES / self._queries,
            queries_measured=self._queries,
            videos_measured=self._videos,
            seconds_measured=self.seconds,
            num_threads=self._case.threads,
        )

    def _encode(self, size: int) -> object:
        return self._model.encode_video(self._batch.video[:size], self._batch.video_mask[:size])

    def _ground(self, encoded: list[object], done: int, size: int) -> None:
        # Queries arrive sorted by video, so a batch draws on one batch of videos, each for
        # about as many rows as it has queries.
        first = min(done * self._videos // self._queries // EVALUATION_BATCH, len(encoded) - 1)
        available = min(EVALUATION_BATCH, self._videos - first * EVALUATION_BATCH)
        rows = torch.arange(size, device=self._case.device.name) * self._videos // self._queries % available
        query = self._model.encode_query(self._batch.word_ids[:size], self._batch.char_ids[:size])
        output = self._model.ground(take_rows(encoded[first], rows), query)
        self._model.moments(output, self._batch.duration_s[:size])


def _sizes(total: int, most: int) -> list[int]:
    return [most] * (total // most) + ([total % most] if total % most else [])
