"""What binds a call: bytes and operators counted by hand, rates by a clock that steps, the roof in closed form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from bench.budget import TooDearError
from bench.execution import Device
from bench.instruments.machine import PRODUCTS, Machine, Rates
from bench.instruments.noise import NoiseWindow
from bench.instruments.traffic import CACHED_BYTES, Traffic, traffic
from bench.measures.roofline import ROOFLINE, roof, roofline
from bench.profiles import PROFILES
from bench.record import Roofline
from bench.stages import StageTracker
from bench.subjects import make_batch
from bench.workbench import Workbench
from emtm.data.batch import Batch
from tests.bench.toy import CONFIG, SHAPE, toy_case

FLOAT = 4
LARGE = CACHED_BYTES // FLOAT


def test_bytes_and_operators_by_stage() -> None:
    small, large = torch.ones(10), torch.ones(LARGE)

    @contextmanager
    def staged(tracker: StageTracker) -> Iterator[Callable[[Batch], Tensor]]:
        def call(batch: Batch) -> Tensor:
            with tracker.enter("first"):
                small.add(small)  # Read once, although named twice; written once.
                small.view(2, 5)  # Dispatched, and moves nothing.
            with tracker.enter("second"):
                small[:1].expand(10**6).sum()  # Two views; no more than the storage is read.
                return large.neg()

        yield call

    found = traffic(staged, make_batch(SHAPE, CONFIG.feature_dim, 1))
    assert found == {
        "first": Traffic(operators=2, cached_bytes=2 * 10 * FLOAT),
        "second": Traffic(operators=4, cached_bytes=(10 + 1) * FLOAT, streamed_bytes=2 * LARGE * FLOAT),
    }


@dataclass(frozen=True)
class Steady(Device):
    """A machine on which everything takes a millisecond."""

    def now_ns(self) -> int:
        STEPS[0] += 10**6
        return STEPS[0]


STEPS = [0]


def test_rates_are_work_over_time() -> None:
    machine = Machine(Steady("cpu"))
    machine.sample()
    rates = machine.rates()
    assert rates.macs_per_s == pytest.approx(max(m * k * n for m, k, n in PRODUCTS) / 1e-3)
    assert rates.streamed_bytes_per_s == pytest.approx(3 * 2**24 / 1e-3, rel=1e-6)
    assert rates.operator_s == pytest.approx(1e-3 / 50)
    assert rates.cached_bytes_per_s == pytest.approx(CACHED_BYTES / (1e-3 - 1e-3 / 50), rel=1e-4)


RATES = Rates(macs_per_s=1e9, cached_bytes_per_s=1e9, streamed_bytes_per_s=1e8, operator_s=1e-6)


@pytest.mark.parametrize(
    ("macs", "moved", "bound", "share"),
    [
        (5_000_000, Traffic(1000, 10**6, 10**5), "compute", 0.5),
        (0, Traffic(1000, 10**6, 7 * 10**5), "memory", 0.8),
        (0, Traffic(2000, 10**6, 0), "dispatch", 0.2),
    ],
)
def test_the_longest_of_the_three_binds(macs: int, moved: Traffic, bound: str, share: float) -> None:
    found = roof(0.010, macs, moved, RATES)
    assert (found.bound, found.share) == (bound, pytest.approx(share))
    assert found.moved_bytes == moved.cached_bytes + moved.streamed_bytes


def test_the_whole_is_the_sum_and_short_stages_are_left_to_it() -> None:
    passes = [{"fusion": 0.004, "decode": 0.006, "other": 1e-5}] * 3
    moved = {"fusion": Traffic(10, 100), "decode": Traffic(20, 0, 300), "other": Traffic(5)}
    found = roofline(passes, moved, {"fusion": 10**6, "decode": 10**6}, RATES, NoiseWindow())
    assert list(found.by_stage) == ["fusion", "decode"]
    assert (found.whole.macs, found.whole.moved_bytes, found.whole.operators) == (2 * 10**6, 400, 35)
    assert found.whole.measured_s == pytest.approx(0.01001)
    assert found.by_stage["fusion"].share == pytest.approx(0.25)


def test_the_measure_on_a_model(toys: None) -> None:
    with pytest.raises(TooDearError, match="profile smoke does not ask what binds a query"):
        ROOFLINE.start(Workbench(PROFILES["smoke"]), toy_case())
    with pytest.raises(TooDearError, match="what binds a query but at the sizes of charades-sta"):
        ROOFLINE.start(Workbench(PROFILES["ci"]), toy_case(dataset="tacos"))
    timing = ROOFLINE.start(Workbench(PROFILES["ci"]), toy_case())
    assert not timing.quiet  # Its calls sample the machine too: no benchmark shows their time as the model's.
    timing.run()
    (found,) = timing.blocks()
    assert isinstance(found, Roofline) and found.calls == timing.rounds
    assert set(found.by_stage) <= {
        "video_proj",
        "video_encode",
        "text_embed",
        "text_encode",
        "fusion",
        "decode",
        "other",
    }
    assert found.whole.measured_s > 0 and found.whole.macs > 0 and found.whole.operators > 0
