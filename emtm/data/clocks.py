"""How long a feature row lasts: rows against durations, for every video, across videos and across stores.

Features are rows without times. What is done with them takes the rows of a video to cut its duration evenly, and the
rows of stores put side by side to be of the same times; features of another video, of its first minute alone or of
another rate break that silently. So rows are held against durations before anything is trained:

- one clock: a row stands for about the same seconds in every video (1 a second, 16 frames at 24 to 30 frames a second);
- a fixed number of rows for every video, whatever its length: a clock of its own kind, which has no seconds;
- a clock that `--clip-s` states, a number of seconds or a range of them, where frame rates differ a lot.

Videos may miss rows at their end, which a stride or the window of a network cut off.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from emtm.data.features import DiskStore, SideBySideStore
from emtm.data.records import FeatureStore, Query
from emtm.errors import UserError

TOLERANCE = 1.9
"""Seconds a row of a video over those of the typical one, or the reverse; from here on the features are refused.

Every second row missing, or every row there twice, is the commonest mistake; cameras of 24 and of 30 frames a second
differ by 1.25 only."""
CLOSE = 1.1
"""The same where the clock is stated, and for rows of one video in two stores. Videos between this and `TOLERANCE` are
named in what `prepare` finds."""
TAIL_S = 3.0
"""Seconds that may be missing at the end of a video, or stand there beyond it: a window of 64 frames at 24 a second."""
TAIL_ROWS = 2
"""The same in rows."""
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Stated:
    """A clock as somebody states it: seconds a row, least and most."""

    least_s: float
    most_s: float

    @classmethod
    def read(cls, text: str) -> Stated:
        """From `0.5` or from `0.2-0.7`; raises UserError for anything else."""
        first, ranged, last = text.partition("-")
        try:
            found = cls(float(first), float(last if ranged else first))
        except ValueError:
            found = cls(0.0, 0.0)
        if not 0 < found.least_s <= found.most_s < float("inf"):
            raise UserError(f"--clip-s takes the seconds that a feature row stands for (0.5), or a range, not '{text}'")
        return found

    def __str__(self) -> str:
        """As it is read."""
        return f"{self.least_s:g}" if self.least_s == self.most_s else f"{self.least_s:g}-{self.most_s:g}"


@dataclass(frozen=True, slots=True)
class Clock:
    """What the rows of all videos say."""

    videos: int
    typical_s: float
    """Seconds a row of the median video, of the two in the middle the lesser."""
    least_s: float
    most_s: float
    rows: int | None
    """Of every video, where they have the same number whatever their length; then there is no typical time."""
    stated: str | None
    """What `--clip-s` says."""
    off: tuple[tuple[str, float], ...]
    """Videos that differ from the typical one by more than `CLOSE` and are not refused, with their seconds a row."""

    def note(self) -> str:
        """One line for a table about the features."""
        span = f"{self.least_s:.3g} to {self.most_s:.3g} s"
        if self.rows is not None:
            return f"every video has {self.rows:,} rows: a row stands for {span}"
        line = f"a row stands for {self.typical_s:.3g} s ({span})"
        if self.stated is not None:
            line += f", as stated ({self.stated} s)"
        if self.off:
            more = ", ..." if len(self.off) > _SHOWN else ""
            shown = ", ".join(f"{video} {found:.3g} s" for video, found in self.off[:_SHOWN])
            line += f"; {len(self.off):,} of {self.videos:,} videos are off by more than {CLOSE - 1:.0%}: {shown}{more}"
        return line

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return {**asdict(self), "off": dict(self.off)}


@dataclass(frozen=True, slots=True)
class _Video:
    name: str
    duration_s: float
    rows: int

    @property
    def row_s(self) -> float:
        return self.duration_s / self.rows

    def beside(self, least_s: float, most_s: float) -> float:
        """Factor by which its row is shorter or longer than these; 1 where only the end of the video makes it so."""
        row_s = min(max(self.row_s, least_s), most_s)
        off_rows = abs(self.rows - self.duration_s / row_s)
        at_the_end = off_rows <= TAIL_ROWS or off_rows * row_s <= TAIL_S
        return 1.0 if at_the_end else max(row_s / self.row_s, self.row_s / row_s)

    def __str__(self) -> str:
        return f"{self.name} ({self.rows:,} rows for {self.duration_s:.4g} s, {self.row_s:.3g} s a row)"


def durations(queries: Iterable[Query]) -> dict[str, float]:
    """Seconds of every video, as its first query gives them."""
    found: dict[str, float] = {}
    for query in queries:
        found.setdefault(query.video_id, query.duration_s)
    return found


def read_clock(store: FeatureStore, lengths: Mapping[str, float], clip_s: str | None = None) -> Clock | None:
    """The clock of the features of videos of these durations in seconds, from headers alone.

    None where there are no videos, or no files: features that are rendered last as long as their videos.

    Raises:
        UserError: a video differs from the typical one by `TOLERANCE`, or from `clip_s` by more than `CLOSE`; or its
            numbers of rows in stores side by side differ by more than `CLOSE`. Missing rows at the end do not count.
    """
    stated = None if clip_s is None else Stated.read(clip_s)
    if not isinstance(store, DiskStore) or not lengths:
        return None
    if isinstance(store, SideBySideStore):
        _check_parts(store, lengths)
    videos = [_Video(name, length, store.shape(name)[0]) for name, length in lengths.items()]
    rates = [video.row_s for video in videos]
    same = {video.rows for video in videos}
    fixed = stated is None and len(same) == 1 and max(rates) > CLOSE * min(rates)
    typical = statistics.median_low(rates)  # that of a video: between two clocks there is none
    off: list[tuple[_Video, float]] = []
    if not fixed:
        span = (typical, typical) if stated is None else (stated.least_s, stated.most_s)
        off = [(video, factor) for video in videos if (factor := video.beside(*span)) > CLOSE]
        _check(videos, [video for video, factor in off if stated or factor >= TOLERANCE], typical, stated)
    return Clock(
        videos=len(videos),
        typical_s=typical,
        least_s=min(rates),
        most_s=max(rates),
        rows=same.pop() if fixed else None,
        stated=None if stated is None else str(stated),
        off=tuple((video.name, video.row_s) for video, _ in off),
    )


def _check(videos: list[_Video], wrong: list[_Video], typical: float, stated: Stated | None) -> None:
    if not wrong:
        return
    shown = ", ".join(map(str, wrong[:_SHOWN])) + (", ..." if len(wrong) > _SHOWN else "")
    count = f"{len(wrong):,} of {len(videos):,} videos"
    if stated is not None:
        raise UserError(f"the rows of {count} do not stand for the {stated} s that --clip-s states: {shown}")
    rates = [video.row_s for video in videos]
    raise UserError(
        f"the features of {count} run on another clock than the typical video's, {typical:.3g} s a row: {shown}; "
        f"if that is right, say --clip-s {min(rates):.3g}-{max(rates):.3g}"
    )


def _check_parts(store: SideBySideStore, lengths: Mapping[str, float]) -> None:
    """Raise UserError where a video has other numbers of rows in one store than in another."""
    wrong = []
    for name, length in lengths.items():
        counts = store.rows_of_parts(name)
        low, high = min(counts), max(counts)
        if high > CLOSE * low and high - low > max(TAIL_ROWS, TAIL_S * high / length):
            wrong.append(name)
    if wrong:
        raise store.disagreement(wrong[0], f" ({len(wrong):,} of {len(lengths):,} videos)")
