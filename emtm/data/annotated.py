"""Part of the annotation: which queries keep their moment, and the rest without theirs.

Users of grounding have many videos with sentences and few with moments. A choice says which queries of a dataset count
as annotated; the others lose their moment where the dataset is opened, so that nothing behind it can read one.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from emtm.config import check_fields
from emtm.data.records import Dataset, Query
from emtm.errors import UserError

OUTSIDE = "unlabelled/"
"""Ids of queries that are of no benchmark begin so."""
SPLITS = ("train", "val")
"""Splits whose moments cost a user work: to learn from, and to choose the epoch by."""


@dataclass(frozen=True, slots=True)
class AnnotatedPart:
    """Which queries are annotated: a share of the videos, or those that a list names."""

    share: float | None = field(default=None, metadata={"below": 1.0 + 1e-9})
    """Of the videos of each of `SPLITS`; None where `ids` say it."""
    draw: int = field(default=0, metadata={"minimum": 0})
    """Which of many orders the share is taken from. In one draw a larger share holds every smaller one."""
    ids: tuple[str, ...] = ()
    """Ids of videos or of queries."""

    def __post_init__(self) -> None:
        check_fields(self)
        if (self.share is None) == (not self.ids) or self.share == 0:
            raise ValueError("a share of the videos above 0 and up to 1, or a list of ids, says what is annotated")

    @property
    def title(self) -> str:
        """In words."""
        if self.share is None:
            return f"a list of {len(self.ids):,} ids"
        return f"{100 * self.share:g} % of the videos, draw {self.draw}"


def read_annotated(text: str, draw: int = 0) -> AnnotatedPart:
    """What a user means by a share, `0.25`, or by a file with an id of a video or of a query in each line.

    Raises:
        UserError: it is neither, or the file names nothing or anything twice.
    """
    try:
        share = float(text)
    except ValueError:
        return AnnotatedPart(ids=_listed(Path(text)))
    if not 0 < share <= 1:
        raise UserError(f"the annotated share is above 0 and at most 1, not {text}")
    return AnnotatedPart(share, draw)


def _listed(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UserError(f"'{path}' is neither a share nor a file of ids that can be read") from None
    ids = tuple(line.strip() for line in lines if line.strip())
    if not ids:
        raise UserError(f"{path} names no video and no query")
    if len(set(ids)) < len(ids):
        seen: set[str] = set()
        twice = next(name for name in ids if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise UserError(f"{path} names '{twice}' twice")
    return ids


def video_order(videos: Iterable[str], draw: int) -> list[str]:
    """Distinct videos by a hash of draw and id: an order that no other video changes."""
    return sorted(set(videos), key=lambda video: (hashlib.sha256(f"{draw} {video}".encode()).digest(), video))


def annotated_ids(queries: Sequence[Query], choice: AnnotatedPart) -> frozenset[str]:
    """Ids of the queries of one split that keep their moment; at least one video's of a share."""
    if choice.share is None:
        named = set(choice.ids)
        return frozenset(q.query_id for q in queries if q.query_id in named or q.video_id in named)
    order = video_order((q.video_id for q in queries), choice.draw)
    # Half up, so that no share has fewer videos than a smaller one.
    kept = set(order[: max(1, math.floor(choice.share * len(order) + 0.5))])
    return frozenset(q.query_id for q in queries if q.video_id in kept)


def hidden(query: Query) -> Query:
    """The query without its moment, whose times are not a number: arithmetic with them spoils what it touches."""
    return Query(query.query_id, query.video_id, query.sentence, query.duration_s, math.nan, math.nan, kind=query.kind)


def restrict(dataset: Dataset, choice: AnnotatedPart) -> Dataset:
    """The dataset as it is to somebody who has these annotations alone.

    Splits `train` and `val` keep the annotated queries. Those of `train` that are not become `unlabelled`; those of
    `val` are of no use without a moment, and go.

    Raises:
        UserError: a listed id is in neither split, or one of them is left without a query.
    """
    splits = {split: dataset.splits[split] for split in SPLITS}
    if choice.ids:
        known = {name for part in splits.values() for query in part for name in (query.query_id, query.video_id)}
        strange = next((name for name in choice.ids if name not in known), None)
        if strange is not None:
            raise UserError(f"'{strange}' is neither a video nor a query of {' or '.join(SPLITS)} of {dataset.name}")
    kept = {split: annotated_ids(part, choice) for split, part in splits.items()}
    for split, ids in kept.items():
        if not ids:
            raise UserError(
                f"{choice.title} leaves no annotated query in {split} of {dataset.name}, "
                f"{'to learn from' if split == 'train' else 'to choose the epoch by'}"
            )
    annotated = {split: _those(splits[split], kept[split]) for split in SPLITS}
    rest = tuple(hidden(query) for query in splits["train"] if query.query_id not in kept["train"])
    sizes = ", ".join(f"{len(annotated[s]):,} of {len(splits[s]):,} queries of {s}" for s in SPLITS)
    return replace(
        dataset,
        splits={**dataset.splits, **annotated},
        unlabelled=(*dataset.unlabelled, *rest),
        notes=(*dataset.notes, f"annotated: {choice.title}: {sizes}"),
    )


def withheld(dataset: Dataset) -> frozenset[str]:
    """Ids of the training queries whose moment is in the benchmark's files and may not be seen."""
    return frozenset(q.query_id for q in dataset.unlabelled if not q.query_id.startswith(OUTSIDE))


def seen_in_training(dataset: Dataset, choice: AnnotatedPart | None) -> frozenset[str]:
    """Ids of the benchmark's training queries whose moment a model saw that was trained with `choice`."""
    queries = (*dataset.splits["train"], *(q for q in dataset.unlabelled if not q.query_id.startswith(OUTSIDE)))
    return frozenset(q.query_id for q in queries) if choice is None else annotated_ids(queries, choice)


def _those(queries: Sequence[Query], ids: Collection[str]) -> tuple[Query, ...]:
    return tuple(query for query in queries if query.query_id in ids)
