"""The odd files, by topic."""

from tests.data.odd_files import annotations, features
from tests.data.oddities import Oddity

ODDITIES: tuple[Oddity, ...] = (*annotations.ODDITIES, *features.ODDITIES)
