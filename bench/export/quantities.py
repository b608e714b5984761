"""What a dashboard may draw of a case: name, unit, which way is better, and where it stands in the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.missing import Missing, known, of
from bench.record import CaseRecord, Interval
from bench.typical import latency_ci99_s, latency_s
from emtm.metrics.metric import METRICS, Metric

Better = Literal["smaller", "bigger", "same"]
"""`same`: an exact count, of which any change is worth an alarm."""
Unit = Literal["s", "queries/s", "J", "B", "%", "ratio", "parameters", "MACs"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value in the unit of its quantity."""

    value: float
    interval: Interval | None = None
    """99 % for measured times, 95 % for accuracies."""
    samples: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """One series of a dashboard."""

    key: str
    unit: Unit
    better: Better
    meaning: str
    read: Callable[[CaseRecord], Figure | Missing]
    timed: bool = False
    """Does a busy machine change it?"""

    @property
    def column(self) -> str:
        """The name with its unit, as flat tables have it: `latency_s`."""
        return "_".join(part for part in (self.key, SUFFIX[self.unit]) if part)


SUFFIX: dict[Unit, str] = {
    "s": "s",
    "queries/s": "queries_per_s",
    "J": "j",
    "B": "bytes",
    "%": "pct",
    "ratio": "",
    "parameters": "",
    "MACs": "",
}


def figure(
    value: float | Missing, interval: Interval | Missing | None = None, samples: tuple[float, ...] | Missing = ()
) -> Figure | Missing:
    """A figure that others can draw: finite, its interval around it or left out."""
    if isinstance(value, Missing):
        return value
    if not _finite(value):
        return Missing("not a finite number")
    bounds = None if isinstance(interval, Missing) else interval
    if bounds is not None and not (all(map(_finite, bounds)) and bounds[0] <= value <= bounds[1]):
        bounds = None
    drawn = known(samples) or ()
    return Figure(value, bounds, drawn if all(map(_finite, drawn)) else ())


def _finite(value: float) -> bool:
    # A file may hold an integer that no float can, and a change of unit must stay within a float too.
    return -1e200 < value < 1e200


def synthetic(case: CaseRecord) -> bool:
    """Does the case say that its data were generated?"""
    quality = known(case.quality)
    return known(case.workload.synthetic) is True or (quality is not None and known(quality.synthetic) is True)


def _accuracy(metric: Metric) -> Quantity:
    def read(case: CaseRecord) -> Figure | Missing:
        quality = case.quality
        if isinstance(quality, Missing):
            return quality
        if quality.source != "measured":
            return Missing("published, not measured")
        value, interval = metric.of(quality), of(quality.ci95, metric.of)
        return Missing(f"{metric.title} is not in the run file") if value is None else figure(value, interval)

    return Quantity(metric.column, "%", "bigger", f"{metric.title} of the first moment", read)


QUANTITIES: tuple[Quantity, ...] = (
    Quantity(
        "latency",
        "s",
        "smaller",
        "Median time of one query",
        lambda case: figure(latency_s(case), latency_ci99_s(case), of(case.latency, lambda block: block.samples)),
        timed=True,
    ),
    Quantity(
        "latency_ratio",
        "ratio",
        "smaller",
        "Measured time over the time of as many multiply-adds in a plain matrix product on the same machine",
        lambda case: of(case.reference, lambda block: figure(block.ratio, block.ratio_ci99)),
        timed=True,
    ),
    Quantity(
        "throughput",
        "queries/s",
        "bigger",
        "Queries a second at the best batch size",
        lambda case: of(case.throughput, lambda block: figure(block.value, block.ci99)),
        timed=True,
    ),
    Quantity(
        "training_step",
        "s",
        "smaller",
        "Median time of one training step",
        lambda case: of(case.training, lambda block: figure(block.step_s, block.step_ci99_s, block.samples)),
        timed=True,
    ),
    Quantity(
        "evaluation",
        "s",
        "smaller",
        "Time to ground a whole test split",
        lambda case: of(case.evaluation, lambda block: figure(block.seconds)),
        timed=True,
    ),
    Quantity(
        "end_to_end",
        "s",
        "smaller",
        "Median time from a video file to the moments of one query",
        lambda case: of(case.end_to_end, lambda block: figure(block.total.median, block.total.median_ci99)),
        timed=True,
    ),
    Quantity(
        "energy",
        "J",
        "smaller",
        "Energy of one query",
        lambda case: of(case.energy, lambda block: figure(block.joules_per_query)),
        timed=True,
    ),
    Quantity(
        "peak_memory",
        "B",
        "smaller",
        "Weights, inputs and the most that intermediate tensors take at once",
        lambda case: of(case.memory, lambda block: figure(block.tensor_peak_bytes)),
    ),
    Quantity(
        "device_peak_memory",
        "B",
        "smaller",
        "Most device memory allocated at once",
        lambda case: of(case.memory, lambda block: figure(block.device_peak_allocated_bytes)),
    ),
    *map(_accuracy, METRICS),
    Quantity(
        "params",
        "parameters",
        "same",
        "Parameters, each shared tensor once",
        lambda case: of(case.params, lambda block: figure(block.total)),
    ),
    Quantity(
        "macs",
        "MACs",
        "same",
        "Multiply-adds of one query",
        lambda case: of(case.compute, lambda block: figure(block.macs)),
    ),
)
