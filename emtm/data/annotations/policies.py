"""What is done to annotations that no model can use as they stand, and the count of each."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emtm.data.annotations.rows import Row, Window
from emtm.data.choices import Blank, Empty, Ends, Starts
from emtm.data.records import Query, WindowsQuery
from emtm.errors import UserError

# Durations such as 234.57999999999998 are clipped to as well, but are no quirk worth counting.
_ROUNDING_S = 1e-6
EARLY_S = 1.0
"""A moment that begins this long before its video, or longer, is a mistake and no rounding: it is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Treatment of quirks. Blanks around a sentence are always stripped; duplicates are kept and counted."""

    ends: Ends = "clip"
    """Ends beyond the video: clipped to the duration, as all published code does, or kept as annotated."""
    empty: Empty = "drop"
    """Empty or inverted moments: dropped, as 2D-TAN and lighthouse do, or kept, as EMTM does on ActivityNet
    Captions; no answer overlaps them, and training on one teaches the first clip."""
    starts: Starts = "clip"
    """Starts before the video, by less than `EARLY_S`: clipped to 0, as MAD's own code does, or kept as annotated."""
    blank: Blank = "drop"
    """Sentences without a word: dropped, as Ego4D's own code does, or refused."""

    def __post_init__(self) -> None:
        if self.starts not in ("clip", "keep"):
            raise UserError(f"starts are 'clip' or 'keep', not '{self.starts}'")
        if self.blank not in ("drop", "refuse"):
            raise UserError(f"blank sentences are 'drop' or 'refuse', not '{self.blank}'")
        if self.ends not in ("clip", "keep"):
            raise UserError(f"ends are 'clip' or 'keep', not '{self.ends}'")
        if self.empty not in ("drop", "keep"):
            raise UserError(f"empty moments are 'drop' or 'keep', not '{self.empty}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a file holds and what reading did to it."""

    file: str
    format: str
    policy: Policy
    annotated: int
    """Sentences in the file."""
    queries: int
    """Those kept."""
    videos: int
    """Distinct videos of the kept."""
    annotated_videos: int
    """Distinct videos of the file, by which a published file is recognised."""
    ends_beyond: int
    """Windows that end after the video."""
    ends_beyond_1s: int
    """Those by more than a second."""
    worst_excess_s: float
    empty: int
    """Sentences whose moments are all empty or inverted."""
    stripped: int
    """Sentences with blanks around them."""
    duplicates: int
    """Rows that repeat an earlier one: same video, moment and sentence, before anything is mended."""
    repeated_sentences: int
    """Rows whose sentence came before for the same video."""
    several_windows: int
    """Kept queries with more than one window."""
    unannotated: int
    """Sentences without windows, left out."""
    starts_before: int = 0
    """Windows that start before the video."""
    blank: int = 0
    """Annotations whose sentence has no word."""
    composed: int = 0
    """Sentences with accents as characters of their own, which were made one with their letters (NFC)."""
    several_durations: int = 0
    """Videos that have another duration in another annotation; each annotation keeps its own."""

    def note(self) -> str:
        """One line for every table about the file: what it is, how many queries, which policy."""
        parts = [f"{self.file} ({self.format}): {self.queries:,} queries of {self.videos:,} videos"]
        if self.queries != self.annotated:
            parts[0] += f" ({self.annotated:,} annotated)"
        kept = {"clip": "clipped to the duration", "keep": "kept beyond the duration"}[self.policy.ends]
        began = {"clip": "clipped to 0", "keep": "kept before it"}[self.policy.starts]
        dropped = {"drop": "dropped", "keep": "kept"}[self.policy.empty]
        parts += [
            text
            for count, text in (
                (self.ends_beyond, f"{self.ends_beyond:,} ends {kept}"),
                (self.starts_before, f"{self.starts_before:,} starts before the video {began}"),
                (self.empty, f"{self.empty:,} empty or inverted moments {dropped}"),
                (self.stripped, f"{self.stripped:,} sentences stripped of blanks"),
                (self.composed, f"{self.composed:,} sentences with accents composed (NFC)"),
                (self.duplicates, f"{self.duplicates:,} exact duplicates kept"),
                (self.several_windows, f"{self.several_windows:,} queries with several windows"),
                (self.blank, f"{self.blank:,} sentences without a word dropped"),
                (self.several_durations, f"{self.several_durations:,} videos with more than one duration"),
                (self.unannotated, f"{self.unannotated:,} sentences without windows left out"),
            )
            if count
        ]
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Annotations:
    """The queries of one file."""

    queries: tuple[Query, ...]
    report: Report
    asked: tuple[Query, ...] = ()
    """Those of the file that have a moment, in its order; those that the policy left out as annotated."""


def apply(path: Path, file_format: str, rows: Iterable[Row], policy: Policy) -> Annotations:
    """Queries of the rows under a policy.

    Raises:
        UserError: a row can be no annotation of its video, an id comes twice, or there is no row.
    """
    queries: list[Query] = []
    asked: list[Query] = []
    lengths: dict[str, set[float]] = {}
    ordinals: Counter[str] = Counter()
    ids: set[str] = set()
    whole: set[tuple[str, tuple[Window, ...] | None, str]] = set()
    count: Counter[str] = Counter()
    worst = 0.0
    for row in rows:
        check(row, policy)
        blank = _is_blank(row)
        stripped = row.sentence.strip()
        sentence = unicodedata.normalize("NFC", stripped)
        ordinal = ordinals[row.video_id]
        ordinals[row.video_id] += 1
        count["annotated"] += 1
        lengths.setdefault(row.video_id, set()).add(row.duration_s)
        whole.add((row.video_id, row.windows, row.sentence))
        if blank or row.windows is None:
            count["blank" if blank else "unannotated"] += 1
        if row.windows is None:
            continue
        query_id = row.query_id or f"{row.video_id}/{ordinal}"
        if query_id in ids:
            raise UserError(f"{row.where}: the query id '{query_id}' comes twice")
        ids.add(query_id)
        if blank:
            asked.append(_query(query_id, row, sentence, row.windows))
            continue
        count["stripped"] += stripped != row.sentence
        count["composed"] += sentence != stripped
        for start, end in row.windows:
            excess = end - row.duration_s
            count["windows"] += 1
            count["late"] += start > row.duration_s
            count["starts_before"] += start < 0
            count["ends_beyond"] += excess > _ROUNDING_S
            count["ends_beyond_1s"] += excess > 1
            worst = max(worst, excess)
        windows = row.windows
        if policy.starts == "clip":
            windows = tuple((max(start, 0.0), end) for start, end in windows)
        if policy.ends == "clip":
            windows = tuple((start, min(end, row.duration_s)) for start, end in windows)
        sound = tuple(window for window in windows if window[0] < window[1])
        count["empty"] += not sound
        if not sound and policy.empty == "drop":
            asked.append(_query(query_id, row, sentence, row.windows))
            continue
        queries.append(_query(query_id, row, sentence, sound or windows))
        asked.append(queries[-1])
    if not count["annotated"]:
        raise UserError(f"{path} holds no annotations")
    if 2 * count["late"] > count["windows"]:
        raise UserError(
            f"{path}: {count['late']:,} of {count['windows']:,} moments begin after their videos have ended: "
            "are the times frames or milliseconds?"
        )
    report = Report(
        file=path.name,
        format=file_format,
        policy=policy,
        annotated=count["annotated"],
        queries=len(queries),
        videos=len({query.video_id for query in queries}),
        annotated_videos=len(lengths),
        ends_beyond=count["ends_beyond"],
        ends_beyond_1s=count["ends_beyond_1s"],
        worst_excess_s=round(worst, 6),
        empty=count["empty"],
        stripped=count["stripped"],
        duplicates=count["annotated"] - len(whole),
        repeated_sentences=count["annotated"] - len({(video_id, sentence) for video_id, _, sentence in whole}),
        several_windows=sum(len(query.windows) > 1 for query in queries),
        unannotated=count["unannotated"],
        starts_before=count["starts_before"],
        blank=count["blank"],
        composed=count["composed"],
        several_durations=sum(len(found) > 1 for found in lengths.values()),
    )
    return Annotations(tuple(queries), report, tuple(asked))


def check(row: Row, policy: Policy) -> None:
    """Raise UserError for a row that can be no annotation of its video under the policy."""
    if _is_blank(row) and policy.blank == "refuse":
        raise UserError(f"{row.where}: the sentence is empty")
    if not 0 < row.duration_s < float("inf"):
        raise UserError(f"{row.where}: the duration is {row.duration_s} seconds")
    if any(start <= -EARLY_S for start, _ in row.windows or ()):
        raise UserError(f"{row.where}: the moment starts before the video, by {EARLY_S:g} second or more")


def _is_blank(row: Row) -> bool:
    return not any(map(str.isalnum, row.sentence))


def _query(query_id: str, row: Row, sentence: str, windows: tuple[Window, ...]) -> Query:
    if len(windows) == 1:
        return Query(query_id, row.video_id, sentence, row.duration_s, *windows[0])
    start, end = max(windows, key=lambda window: window[1] - window[0])
    return WindowsQuery(query_id, row.video_id, sentence, row.duration_s, start, end, all_windows=windows)
