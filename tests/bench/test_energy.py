"""Energy of a query: what calls add to rest, from counters that step, wrap around, or cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.execution import CPU, Execution
from bench.instruments import energy
from bench.measures.latency import LatencyMeasurement
from bench.missing import ABSENT, Missing, known
from bench.profiles import PROFILES
from bench.record import Energy
from bench.subjects import make_batch
from tests.bench.toy import SHAPE, toy, toy_runner

STEP_S = 0.1
"""As NVML's counter."""
CALL_S = 0.007


class Machine:
    """A clock that advances by what is done, and a counter of a device that draws `busy_w` while it is called."""

    def __init__(self, idle_w: float, busy_w: float) -> None:
        self.now, self.busy_s = 100.0, 0.0
        self._idle_w, self._busy_w, self._shown, self._stepped = idle_w, busy_w, 0.0, 0.0

    def perf_counter(self) -> float:
        self.now += 1e-5
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def call(self) -> None:
        self.now += CALL_S
        self.busy_s += CALL_S

    def joules(self) -> float:
        self.now += 1e-5
        if self.now - self._stepped >= STEP_S:
            self._stepped = self.now // STEP_S * STEP_S
            self._shown = self._idle_w * self.now + (self._busy_w - self._idle_w) * self.busy_s
        return self._shown


def measured(monkeypatch: pytest.MonkeyPatch, machine: Machine, counter: Callable[[], float] | None = None) -> Energy:
    clock = SimpleNamespace(perf_counter=machine.perf_counter, sleep=machine.sleep)
    monkeypatch.setattr(energy, "time", clock)
    monkeypatch.setattr(energy, "_counter", lambda device: ("a card", counter or machine.joules))
    return energy.measure(machine.call, CPU, 1.0)


def test_it_is_what_calls_add_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Machine(idle_w=60.0, busy_w=200.0))
    assert known(found.joules_per_query) == pytest.approx(140.0 * CALL_S, rel=0.01)
    assert known(found.idle_w) == pytest.approx(60.0, rel=0.001)
    assert known(found.window_s) == pytest.approx(1.0, abs=STEP_S + CALL_S)
    assert known(found.calls) == pytest.approx(known(found.window_s) / CALL_S, rel=0.01)
    assert found.source == "a card"


def test_what_is_lost_in_rest_is_no_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Machine(idle_w=60.0, busy_w=59.0))
    assert found.joules_per_query == Missing("not to be told from the 60 W at rest")
    assert known(found.idle_w) == pytest.approx(60.0, rel=0.001)


def test_a_counter_that_stands_still_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    found = measured(monkeypatch, Machine(60.0, 200.0), lambda: 5.0)
    assert (found.source, found.joules_per_query) == ("none", Missing("a card does not count"))
    assert found.idle_w == ABSENT


def test_a_counter_that_goes_away_has_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> float:
        raise OSError("No such device")

    found = measured(monkeypatch, Machine(60.0, 200.0), gone)
    assert found.joules_per_query == Missing("a card cannot be read any more: No such device")


def zone(zones: Path, number: str, name: str, joules: float, span: float = 1000.0) -> Path:
    folder = zones / f"intel-rapl:{number}"
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{round(joules * 1e6)}\n")
    (folder / "max_energy_range_uj").write_text(f"{round(span * 1e6)}\n")
    return folder


def test_packages_are_added_and_what_is_inside_them_is_not(tmp_path: Path) -> None:
    first = zone(tmp_path, "0", "package-0", 990.0)
    zone(tmp_path, "0:0", "core", 500.0)
    zone(tmp_path, "1", "package-1", 5.0)
    zone(tmp_path, "2", "psys", 7.0)
    source, counter = energy._rapl(tmp_path)
    assert counter is not None and source == "rapl package-0 + package-1"
    assert counter() == pytest.approx(995.0)
    for joules, total in ((998.0, 1003.0), (4.0, 1009.0), (3.0, 2008.0)):  # it wraps around at 1000 J, twice
        (first / "energy_uj").write_text(str(round(joules * 1e6)))
        assert counter() == pytest.approx(total)


def test_no_counter_and_a_damaged_one_have_reasons(tmp_path: Path) -> None:
    assert energy._rapl(tmp_path)[0] == "no RAPL counter: the system shows none of a processor package"
    (zone(tmp_path, "0", "package-0", 1.0) / "energy_uj").write_text("nothing")
    source, counter = energy._rapl(tmp_path)
    assert counter is None and source.startswith("no readable RAPL counter")


def test_a_profile_says_how_long_and_smoke_leaves_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[float]()
    monkeypatch.setattr(energy, "measure", lambda call, device, window_s: asked.append(window_s))
    for profile in PROFILES.values():
        found = LatencyMeasurement(toy_runner(toy()), [make_batch(SHAPE, 8, 1)], Execution(), profile)._energy()
        if profile.name == "smoke":
            assert found.joules_per_query == Missing("profile smoke leaves it out, which takes seconds a case")
    assert asked == [PROFILES["ci"].energy_s, PROFILES["full"].energy_s]
    assert min(asked) >= 1.0
