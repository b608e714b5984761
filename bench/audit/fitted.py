"""What a search for the inputs behind printed figures found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.missing import Block

WORDS = range(4, 21)
"""Words of a query that are searched."""
Mode = Literal["whole pass", "prediction alone"]
MODES: tuple[Mode, ...] = ("whole pass", "prediction alone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit(Block):
    """A number of clips and words at which fvcore's count comes near the printed figure."""

    mode: Mode
    clips: int
    words: int
    macs: int
    off_pct: float
    same_digits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted(Block):
    """All fits of one row, the nearest first."""

    label: str
    dataset: str
    printed: str
    clips_matter: bool
    """Where they do not, every video is brought to one length, which is the only one tried."""
    words_matter: bool
    """Where they do not, the words of the hypothesis are the only ones listed."""
    fits: tuple[Fit, ...]

    def alike(self, mode: Mode) -> tuple[Fit, ...]:
        """Those of a mode that print the same digits."""
        return tuple(fit for fit in self.fits if fit.mode == mode and fit.same_digits)


def common_clips(found: Sequence[Fitted]) -> tuple[int, ...]:
    """Numbers of clips that print the digits of every row whose count depends on them, words left free."""
    sets = [{one.clips for one in row.alike("whole pass")} for row in found if row.clips_matter]
    return tuple(sorted(set.intersection(*sets))) if sets else ()
