"""The names that a store knows videos by, and the spellings of an id that find them.

A video is found by its id; by another spelling of it (2D-TAN's HDF5 files name TACoS videos with `.avi`, features of
ActivityNet come with and without `v_`, a Mac spells accents as characters of their own); or by its id with what the
store's other names begin or end with too, as in `<id>__ViT-B_32__fps_1`.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

from emtm.data.records import video_key, video_name
from emtm.errors import UserError

_SEPARATORS = frozenset("_-. @+~")
_LEAST_LETTERS = 2
"""In what is added to an id: `-d21` and `_60.0_210.0` are parts of ids, `_i3d` is not."""
_LEAST_SHARE = 4
"""What is added stands in this part of the names or in more: one in four, for stores of several kinds of features."""
_SHOWN = 3


class Names:
    """Names of videos in a store."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {unicodedata.normalize("NFC", name): name for name in names}
        self._spellings = {video_key(name): name for name in sorted(self._names, reverse=True)}

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.values())

    def __contains__(self, video_id: object) -> bool:
        return isinstance(video_id, str) and bool(self._matches(video_id))

    def find(self, video_id: str) -> str | None:
        """The store's name of a video, None where it has none; raises UserError where it may have several."""
        found = self._matches(video_id)
        if len(found) > 1:
            shown = ", ".join(found[:_SHOWN])
            raise UserError(f"video '{video_id}' may be any of {shown}: keep one kind of features in one place")
        return self._names[found[0]] if found else None

    def _matches(self, video_id: str) -> list[str]:
        """Composed names that may be of the video."""
        composed, key = unicodedata.normalize("NFC", video_id), video_key(video_id)
        if composed in self._names:
            return [composed]
        if key in self._spellings:
            return [self._spellings[key]]
        heads, tails = self._added
        ids = dict.fromkeys((composed, video_name(video_id), key))
        wanted = {head + name + tail for name in ids for head in heads for tail in tails}
        return sorted(wanted.intersection(self._names))

    @cached_property
    def _added(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What names begin with, and what they end with, beside the id; nothing, too."""
        heads, tails = Counter[str](), Counter[str]()
        for name in self._names:
            places = [i for i, char in enumerate(name) if char in _SEPARATORS]
            heads.update(name[: i + 1] for i in places if i + 1 < len(name))
            tails.update(name[i:] for i in places if i)
        return ("", *self._common(heads)), ("", *self._common(tails))

    def _common(self, parts: Counter[str]) -> Iterator[str]:
        least = max(1, len(self._names) / _LEAST_SHARE)
        return (p for p, count in parts.items() if count >= least and sum(map(str.isalpha, p)) >= _LEAST_LETTERS)
