"""Cross-validation over videos, where the features of part of a dataset alone are at hand.

The pool is every query of the dataset, of whichever split, whose video has features. Its videos are put in the order of
a hash of their ids and dealt to the folds in turn. A fold is tested on by models that were trained on all others: their
validation part, on which the best epoch is chosen, is taken from the videos that are left. All this follows from the
ids alone, so that every model and every seed has the same folds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from emtm.data.annotated import video_order
from emtm.data.own import VAL
from emtm.data.records import FeatureStore, Query, fingerprint
from emtm.errors import UserError

MAX_FOLDS = 1000
SEED = 0
"""Of the order in which videos are dealt to the folds."""
_SHARE = re.compile(r"(\d{1,4})/(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Fold:
    """One part of a pool of videos, to be tested on by models that were trained on the rest."""

    number: int
    """From 1."""
    of: int = field(metadata={"minimum": 2, "below": MAX_FOLDS + 1})
    pool_sha256: str
    """Of the queries of all folds (`Pool.sha256`): with another pool a fold of this number is another."""

    @property
    def title(self) -> str:
        """In words."""
        return f"fold {self.number} of {self.of}"

    def mark(self, dataset: str) -> str:
        """Name of the dataset that tells the fold apart from the benchmark's own splits and from other folds."""
        return f"{dataset}+fold-{self.number}-of-{self.of}"


@dataclass(frozen=True, slots=True)
class Pool:
    """The queries that can be trained and tested on."""

    queries: tuple[Query, ...]
    all_queries: int
    """Of the dataset, those without features included."""
    all_videos: int

    @property
    def videos(self) -> list[str]:
        """In the order in which they are dealt."""
        return video_order((query.video_id for query in self.queries), SEED)

    @property
    def sha256(self) -> str:
        """Hash of the queries with their times, in order."""
        return fingerprint(self.queries)

    @property
    def note(self) -> str:
        """How much of the dataset it is, in words."""
        return (
            f"pool: {len(self.queries):,} of {self.all_queries:,} queries, of {len(self.videos):,} of "
            f"{self.all_videos:,} videos: those with features"
        )


def read_fold(text: str) -> tuple[int, int]:
    """Number and count of `1/5`; raises UserError for anything else."""
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        raise UserError(f"--fold takes which of how many, 1/5 for the first of five, not '{text}'")
    number, of = map(int, found.groups())
    check_count(of)
    if not 1 <= number <= of:
        raise UserError(f"there is no fold {number} of {of}: they are 1/{of} to {of}/{of}")
    return number, of


def check_count(of: int) -> None:
    """Raise UserError where there cannot be so many folds."""
    if not 2 <= of <= MAX_FOLDS:
        raise UserError(f"there are 2 to {MAX_FOLDS:,} folds, not {of:,}")


def pool_of(splits: Mapping[str, Sequence[Query]], store: FeatureStore) -> Pool:
    """The queries of all splits whose videos are in `store`.

    Where two splits have other queries under one id, as the two annotations of ActivityNet Captions, those of the later
    one have the name of their split before it.
    """
    found: dict[str, Query] = {}
    first: dict[Query, str] = {}
    for split, queries in splits.items():
        for query in queries:
            first.setdefault(query, split)
    for query, split in first.items():
        query_id = query.query_id if query.query_id not in found else f"{split}/{query.query_id}"
        found[query_id] = query if query_id == query.query_id else replace(query, query_id=query_id)
    videos = {query.video_id: query.video_id in store for query in found.values()}
    return Pool(tuple(query for query in found.values() if videos[query.video_id]), len(found), len(videos))


def check_pool(pool: Pool, fold: Fold, name: str) -> None:
    """Raise UserError where `fold` is one of another pool, or the pool has too few videos for it."""
    videos = len(pool.videos)
    if pool.sha256 != fold.pool_sha256:
        raise UserError(
            f"{name} has another pool now than {fold.title} was made of ({len(pool.queries):,} queries of {videos:,} "
            "videos with features): its annotations or features are not those of then"
        )
    if videos < fold.of or videos - math.ceil(videos / fold.of) < 2:  # to train on, and to choose the epoch by
        raise UserError(f"{videos} videos of {name} have features: too few for {fold.of} folds")


def cut(pool: Pool, fold: Fold) -> dict[str, tuple[Query, ...]]:
    """Splits `train`, `val` and `test` of a fold that `check_pool` lets pass; no video is in two of them."""
    videos = pool.videos
    tested = set(videos[fold.number - 1 :: fold.of])
    rest = [video for video in videos if video not in tested]
    # By another order for each fold, so that not the same videos choose the epoch in all of them.
    held = set(video_order(rest, SEED + fold.number)[: max(1, round(VAL * len(rest)))])
    parts = {"train": set(rest) - held, "val": held, "test": tested}
    return {split: tuple(q for q in pool.queries if q.video_id in those) for split, those in parts.items()}


def fold_note(fold: Fold, splits: Mapping[str, Sequence[Query]]) -> str:
    """What a fold's parts are, in words."""
    sizes = ", ".join(f"{split} {_size(queries)}" for split, queries in splits.items())
    return f"{fold.title} by video (order of a hash of the id, seed {SEED}), not the official split: {sizes}"


def _size(queries: Iterable[Query]) -> str:
    listed = list(queries)
    return f"{len(listed):,} queries of {len({query.video_id for query in listed}):,} videos"
