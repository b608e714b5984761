"""How often the detection is wrong on simulated series, and how soon it is right; `python -m tests.history.rates`.

Prints the table of docs/history.md; every figure follows from the seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from bench.history.changepoints import shifts

Series = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Series]

NOISES: dict[str, Noise] = {
    "gauss, 1 %": lambda rng, shape: rng.normal(0, 0.01, shape),
    "heavy tail, 2 %": lambda rng, shape: 0.02 * rng.standard_t(3, shape) / 3**0.5,
    "disturbed, 1 % and every tenth run 8 % longer": lambda rng, shape: (
        rng.normal(0, 0.01, shape) + (rng.random(shape) < 0.1) * rng.exponential(0.08, shape)
    ),
}
"""The second is Student's t with 3 degrees of freedom and a standard deviation of 2 %."""
FLAT, FLAT_POINTS = 400, 200
STEPPED, BEFORE, AFTER = 100, 50, 50


def false_alarms(noise: Noise) -> float:
    """Share of flat series of 200 points with any alarm."""
    rng = np.random.default_rng(1)
    return float(np.mean([bool(shifts(series)) for series in 1 + noise(rng, (FLAT, FLAT_POINTS))]))


def stepped(noise: Noise, step: float) -> Series:
    """Series with a step after 50 of 100 points."""
    series = 1 + noise(np.random.default_rng(2), (STEPPED, BEFORE + AFTER))
    series[:, BEFORE:] *= 1 + step
    return series


def found(noise: Noise, step: float) -> float:
    """Share of steps found within five points of where they are."""
    return float(np.mean([_near(series) for series in stepped(noise, step)]))


def delay(noise: Noise, step: float) -> float:
    """Median number of points with the new level before the step is found; infinite where half are never."""
    return median(_delay(series) for series in stepped(noise, step))


def covered(noise: Noise, step: float) -> float:
    """Share of the steps found whose place lies in the range that is given for it."""
    nearest = [min(at, key=lambda shift: abs(shift.index - BEFORE)) for s in stepped(noise, step) if (at := shifts(s))]
    return float(np.mean([shift.earliest <= BEFORE <= shift.latest for shift in nearest]))


def repaired(noise: Noise) -> float:
    """Share of steps of 5 % found that are taken back after 12 points."""
    series = 1 + noise(np.random.default_rng(3), (STEPPED, 52))
    series[:, 20:32] *= 1.05
    ends = [[shift.index for shift in shifts(one)] for one in series]
    return float(np.mean([any(abs(i - 20) <= 2 for i in at) and any(abs(i - 32) <= 2 for i in at) for at in ends]))


def _near(series: Series) -> bool:
    return any(abs(shift.index - BEFORE) <= 5 for shift in shifts(series))


def _delay(series: Series) -> float:
    return next((float(n) for n in range(1, AFTER + 1) if _near(series[: BEFORE + n])), float("inf"))


def _after(runs: float) -> str:
    return "half never" if runs == float("inf") else f"{runs:.0f} runs"


def table() -> str:
    """The table of docs/history.md."""
    head = ["noise", "flat series with an alarm", "+3 %: found, after", "+5 %: found, after"]
    head += ["+5 % for 12 runs: found", "+5 %: in the range"]
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for name, noise in NOISES.items():
        steps = [f"{100 * found(noise, step):.0f} %, {_after(delay(noise, step))}" for step in (0.03, 0.05)]
        lines.append(
            f"| {name} | {100 * false_alarms(noise):.1f} % | {' | '.join(steps)} | {100 * repaired(noise):.0f} % "
            f"| {100 * covered(noise, 0.05):.0f} % |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
