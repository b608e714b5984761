"""The odd files, by topic."""

from tests.data.odd_files import annotations, clocks, features
from tests.data.oddities import Oddity

ODDITIES: tuple[Oddity, ...] = (*annotations.ODDITIES, *features.ODDITIES, *clocks.ODDITIES)
