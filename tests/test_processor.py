"""Products take the quickest way that is float32, and freed memory stays in the process."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bench.execution import CPU
from bench.instruments.products import product_rates
from bench.instruments.reference import GemmFloor
from emtm import processor
from emtm.errors import UserError
from emtm.processor import MAX_ERROR, Route, Trial, compute_at_best, quickest, route, trials

ROOT = Path(__file__).resolve().parents[1]
MKL, OTHER, THIRD = (Route(name, name) for name in ("as built", "other", "third"))


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ([], MKL),
        ([Trial(OTHER, 149.0, 0.0)], MKL),  # not worth a change
        ([Trial(OTHER, 150.0, MAX_ERROR)], OTHER),
        ([Trial(OTHER, 900.0, 2e-3)], MKL),  # bfloat16
        ([Trial(OTHER, 200.0, 0.0), Trial(THIRD, 300.0, 0.0)], THIRD),
        ([Trial(OTHER, 200.0, 0.0), Trial(THIRD, 300.0, float("nan"))], OTHER),
    ],
)
def test_the_quickest_exact_route_is_chosen_where_it_is_half_as_quick_again(others: list[Trial], chosen: Route) -> None:
    # What torch was built with is not judged: it is what results are held against.
    assert quickest((Trial(MKL, 100.0, 1.0), *others)) == chosen


def test_rounding_to_bfloat16_is_seen_whatever_product_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = torch.randn(17, 300), torch.randn(300, 100)
    assert processor._error(a, b) <= MAX_ERROR
    true = torch.bmm
    monkeypatch.setattr(torch, "bmm", lambda x, y: true(x.bfloat16().float(), y.bfloat16().float()))
    assert processor._error(a, b) > 100 * MAX_ERROR


def test_this_machine_has_an_exact_route_and_each_was_timed() -> None:
    first, *others = trials()
    assert first.route.name == "as built" and first.exact
    assert all(trial.macs_per_s > 0 and trial.error >= 0 for trial in (first, *others))
    assert [rate.route for rate in product_rates()][: 1 + len(others)] == [trial.route.name for trial in trials()]


def test_a_route_is_taken_within_its_block_alone() -> None:
    before = route()
    for trial in trials():
        with pytest.raises(KeyError), trial.route.taken():
            assert route() == trial.route
            raise KeyError
        assert route() == before


def test_the_floor_takes_the_best_route_where_models_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = trials()
    monkeypatch.setattr(
        "bench.instruments.reference.trials", lambda: (first, replace(first, route=OTHER, macs_per_s=1e99))
    )
    taken = list[str | None]()
    monkeypatch.setattr(processor, "_set", taken.append)
    GemmFloor(CPU).sample()
    assert taken[0] == OTHER.switch and len(taken) == 2


def test_batches_take_the_quickest_route_and_a_lone_query_that_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *_ = trials()
    monkeypatch.setattr(processor, "trials", lambda: (first, Trial(OTHER, 1e99, 0.0)))
    assert (processor.route_of(batches=True), processor.route_of(batches=False)) == (OTHER, first.route)
    monkeypatch.setenv("EMTM_CPU", "as-built")
    assert processor.route_of(batches=True) == first.route


def test_the_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMTM_CPU", "fast")
    with pytest.raises(UserError, match="EMTM_CPU is 'quickest' or 'as-built', not 'fast'"):
        compute_at_best()


FAULTS = """
import ctypes, resource
from emtm.processor import compute_at_best, route
print(compute_at_best().name)
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
for turn in range(3):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(ctypes.c_size_t(2**24))
    ctypes.memset(block, 1, 2**24)
    libc.free(block)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def started(**variables: str) -> list[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
    ran = subprocess.run(
        [sys.executable, "-c", FAULTS],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split("\n")[:4]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of glibc's allocator")
def test_freed_blocks_stay_in_the_process_unless_it_is_left_alone() -> None:
    chosen, *faults = started()
    assert chosen == quickest(trials()).name
    assert int(faults[0]) > 0 and int(faults[2]) == 0
    left, *faults = started(EMTM_CPU="as-built", MALLOC_MMAP_THRESHOLD_="131072")
    assert left == "as built" and int(faults[2]) >= 2**24 // 2**16  # pages may be of 64 KiB


@pytest.mark.skipif(sys.platform != "linux", reason="limits of glibc's allocator")
def test_the_users_own_limits_stay() -> None:
    _, *faults = started(MALLOC_MMAP_THRESHOLD_="131072")
    assert int(faults[2]) > 0
