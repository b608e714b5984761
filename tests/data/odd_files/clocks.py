"""Odd clocks: rows that do not fit the durations of their videos, or the rows beside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from emtm.data.clocks import read_clock
from emtm.data.features import open_store
from tests.data.odd_files.features import rows, save
from tests.data.oddities import Oddity

Videos = dict[str, tuple[float, int]]
"""Duration in seconds and number of rows."""


def of(*videos: tuple[float, int]) -> Videos:
    """Videos called v1, v2 and so on."""
    return {f"v{i}": video for i, video in enumerate(videos, 1)}


def put(videos: Videos, *beside: Videos) -> Callable[[Path], None]:
    """Puts stores `a`, `b` and so on with these rows."""

    def make(folder: Path) -> None:
        for name, store in zip("abc", (videos, *beside), strict=False):
            for video, (_, count) in store.items():
                save(folder, f"{name}/{video}.npy", rows(count))

    return make


def read(videos: Videos, clip_s: str | None) -> Callable[[Path], str]:
    """Reads the stores side by side, and says what their clock is."""

    def said(folder: Path) -> str:
        store = open_store(",".join(str(path) for path in sorted(folder.iterdir())))
        clock = read_clock(store, {video: duration for video, (duration, _) in videos.items()}, clip_s)
        assert clock is not None
        return clock.note()

    return said


def a(what: str, says: str, videos: Videos, *beside: Videos, clip_s: str | None = None) -> Oddity:
    """Accepted."""
    return Oddity("Clocks", what, says, put(videos, *beside), True, read(videos, clip_s))


def r(what: str, says: str, videos: Videos, *beside: Videos, clip_s: str | None = None) -> Oddity:
    """Refused."""
    return Oddity("Clocks", what, says, put(videos, *beside), False, read(videos, clip_s))


HALF = of((150.0, 75), (60.0, 30), (90.0, 45))
WHOLE = of((150.0, 150), (60.0, 60), (90.0, 90))
RATES = of((100.0, 375), (100.0, 312), (100.0, 375), (100.0, 187))

ODDITIES = (
    a("as many rows for every video, whatever its length", "every video has 64 rows: a row stands for 0.312 to 2.34 s",
      of((20, 64), (150, 64), (60, 64))),
    a("last rows that a stride or a window cut off", "a row stands for 0.164 s (0.163 to 0.25 s)",
      of((30, 183), (31, 189), (6, 24), (26, 160))),
    a("frame rates of 24 to 30 a second", "a row stands for 0.267 s (0.267 to 0.333 s); 1 of 4 videos are off by more "
      "than 10%: v4 0.333 s", of((80, 300), (90, 337), (100, 375), (120, 360))),
    a("cameras of other rates", "a row stands for 1 s (0.667 to 1.5 s); 2 of 4 videos are off by more than 10%: "
      "v2 1.5 s, v4 0.667 s", of((100, 100), (90, 60), (80, 80), (100, 150))),
    r("two videos of one length, 75 rows and 12", "the features of 1 of 2 videos run on another clock than the typical "
      "video's, 2 s a row: v2 (12 rows for 150 s, 12.5 s a row); if that is right, say --clip-s 2-12.5",
      of((150, 75), (150, 12))),
    r("two videos of one length, 75 rows and 150", "the features of 1 of 2 videos run on another clock than the "
      "typical video's, 1 s a row: v1 (75 rows for 150 s, 2 s a row); if that is right, say --clip-s 1-2",
      of((150, 75), (150, 150))),
    r("one video of another rate among many", "the features of 1 of 4 videos run on another clock than the typical "
      "video's, 2 s a row: v4 (100 rows for 100 s, 1 s a row); if that is right, say --clip-s 1-2",
      of((150, 75), (60, 30), (90, 45), (100, 100))),
    r("features of the beginning alone", "the features of 1 of 4 videos run on another clock than the typical video's, "
      "1 s a row: v4 (60 rows for 240 s, 4 s a row); if that is right, say --clip-s 1-4",
      of((30, 30), (45, 45), (31, 31), (240, 60))),
    r("frame rates of 15 and 30 a second", "the features of 1 of 4 videos run on another clock than ...; if that is "
      "right, say --clip-s 0.267-0.535", RATES),
    a("the same, with the clock that it asked for", "a row stands for 0.267 s (0.267 to 0.535 s), as stated "
      "(0.267-0.535 s)", RATES, clip_s="0.267-0.535"),
    a("a clock that is stated and right", "as stated (2 s)", HALF, clip_s="2"),
    r("a clock that is stated and wrong", "the rows of 3 of 3 videos do not stand for the 1 s that --clip-s states: "
      "v1 (75 rows for 150 s, 2 s a row), v2 (30 rows for 60 s, 2 s a row), v3 (45 rows for 90 s, 2 s a row)",
      HALF, clip_s="1"),
    r("no number for a clock", "--clip-s takes the seconds that a feature row stands for (0.5), or a range, not 'fast'",
      HALF, clip_s="fast"),
    a("two stores that differ by a row or two", "a row stands for 2", HALF, of((150.0, 73), (60.0, 31), (90.0, 45))),
    r("75 rows beside 150", "video 'v1' has 75 rows in a and 150 in b: rows of different times cannot be put side by "
      "side (3 of 3 videos)", HALF, WHOLE),
    r("one video of another rate in one of two stores", "video 'v3' has 45 rows in a and 56 in b: rows of different "
      "times cannot be put side by side (1 of 3 videos)", HALF, of((150.0, 75), (60.0, 30), (90.0, 56))),
)  # fmt: skip
