"""Durations and moments drawn from statistics measured on real training splits."""

from __future__ import annotations

import numpy as np

from emtm.data.synthetic.config import statistics

Span = tuple[float, float]
"""Start and end as fractions of the video."""

_SHORTEST = 0.01
_OVERSHOOT = 1.03


class MomentSampler:
    """Draws from the statistics called `name`; see `config.statistics`."""

    def __init__(self, name: str) -> None:
        measured = statistics(name)
        self._quantiles = np.array(measured["dur_q"], np.float64)
        self._bins: int = measured["B"]
        counts = np.array(measured["H"], np.float64).ravel()
        self._cumulative = np.cumsum(counts) / counts.sum()

    def duration_s(self, rng: np.random.Generator) -> float:
        """Length of a video in seconds, to the hundredth."""
        levels = np.linspace(0, 1, len(self._quantiles))
        return round(float(np.interp(rng.random(), levels, self._quantiles)), 2)

    def moment(self, rng: np.random.Generator) -> Span:
        """A moment of the measured joint distribution of start and length."""
        while True:
            cell = int(np.searchsorted(self._cumulative, rng.random()))
            row, column = divmod(min(cell, self._bins**2 - 1), self._bins)
            start = (row + rng.random()) / self._bins
            length = ((column + rng.random()) / self._bins) ** 2
            if length > _SHORTEST and start + length <= _OVERSHOOT:
                return start, min(start + length, 1.0)


def overlap(a: Span, b: Span) -> float:
    """IoU of two spans."""
    shared = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return shared / max(1e-9, max(a[1], b[1]) - min(a[0], b[0]))
