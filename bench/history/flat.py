"""How often the detection cries wolf on this history's own noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.history.changepoints import Floats, shifts
from bench.history.changes import Analysis, Stretch

FEWEST_POINTS = 20
_WANTED = 200
_BLOCK = 10
_SEED = 0


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Flat series made of measured noise, and how many of them raised an alarm."""

    series: int
    alarms: int

    def __str__(self) -> str:
        if not self.series:
            return f"False alarms: not measured, no figure has {FEWEST_POINTS} quiet runs on one machine."
        return (
            f"False alarms: {self.alarms} of {self.series} flat series ({100 * self.alarms / self.series:.1f} %). "
            f"A flat series is a measured one with its levels divided out and blocks of {_BLOCK} runs shuffled."
        )


def false_alarms(analyses: Sequence[Analysis]) -> FalseAlarms:
    """Alarms on at least 200 flat series, made of every stretch of at least `FEWEST_POINTS` quiet points in turn.

    Blocks keep what neighbouring runs have in common; a step that is left in a series, because it is too small or
    too new to be found, counts against the method.
    """
    noises = [
        _noise(stretch)
        for analysis in analyses
        for stretch in analysis.stretches
        if len(stretch.points) >= FEWEST_POINTS
    ]
    if not noises:
        return FalseAlarms(0, 0)
    rng = np.random.default_rng(_SEED)
    flat = [_shuffled(noise, rng) for _ in range(-(-_WANTED // len(noises))) for noise in noises]
    return FalseAlarms(len(flat), sum(bool(shifts(series)) for series in flat))


def _noise(stretch: Stretch) -> Floats:
    """Values over the mean of their level."""
    levels = [np.array([point.reading.value for point in level]) for level in stretch.levels()]
    return np.concatenate([level / (level.mean() or 1.0) for level in levels])


def _shuffled(noise: Floats, rng: np.random.Generator) -> Floats:
    blocks = [noise[start : start + _BLOCK] for start in range(0, len(noise), _BLOCK)]
    return np.concatenate([blocks[i] for i in rng.permutation(len(blocks))])
