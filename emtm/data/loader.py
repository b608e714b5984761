"""Queries to padded batches."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch

from emtm.data.batch import Batch, Targets
from emtm.data.features import Resampling, resample
from emtm.data.labels import time_to_index
from emtm.data.lru import ArrayCache
from emtm.data.padding import IntArray, mask, padded, padded_chars, sentence_ids
from emtm.data.records import Dataset, FloatArray, PseudoQuery, Query
from emtm.data.text import Vocabulary
from emtm.errors import UserError

_CACHE_BYTES = 1024 * 2**20


class SoftLabelSource(Protocol):
    """A teacher's start and end distributions, by query."""

    def batch(self, query_ids: Sequence[str], num_clips: torch.Tensor, length: int) -> torch.Tensor:
        """Distributions `[B, 2, length]` over the first `num_clips` `[B]` clips of each sample."""
        ...


class Collator:
    """Makes batches of a dataset's queries; what it computes for a query or a video it keeps.

    Args:
        dataset: gives the features.
        vocabulary: gives the ids.
        max_clips: longest clip sequence; longer videos are brought to it by `resampling`.
        max_words: longest query; the rest is cut.
        pad_to_max: pad clips to `max_clips` rather than to the longest video of the batch.
        resampling: how the rows of a video become clips.
        soft_labels: of each teacher, for the targets.
        held_out: ids of annotated queries that no teacher was trained on.
    """

    def __init__(
        self,
        dataset: Dataset,
        vocabulary: Vocabulary,
        max_clips: int,
        max_words: int,
        pad_to_max: bool = False,
        soft_labels: Sequence[SoftLabelSource] = (),
        *,
        resampling: Resampling = "mean",
        held_out: Collection[str] = (),
    ) -> None:
        self._features = dataset.features
        self._vocabulary = vocabulary
        self._max_clips = max_clips
        self._max_words = max_words
        self._pad_to_max = pad_to_max
        self._resampling = resampling
        self._soft_labels = soft_labels
        self._held_out = held_out
        self._clips = ArrayCache(_CACHE_BYTES)
        # The embedded store keeps what it has projected: a second copy of whole videos buys nothing.
        self._keep_whole = not dataset.synthetic
        self._sentences: dict[str, tuple[IntArray, IntArray]] = {}
        self._moments: dict[tuple[Query, int], tuple[int, int]] = {}

    def collate(self, queries: Sequence[Query]) -> Batch:
        """The batch of `queries`, with targets unless one of them has no moment.

        Raises:
            UserError: there is no query, a sentence is empty, or a video's features cannot be read.
        """
        if not queries:
            raise UserError("a batch needs at least one query")
        clips = [self._video(query.video_id) for query in queries]
        counts = [len(rows) for rows in clips]
        length = self._max_clips if self._pad_to_max else max(counts)
        encoded = [self._sentence(query.sentence) for query in queries]
        words = [word_ids for word_ids, _ in encoded]
        word_counts = [len(word_ids) for word_ids in words]
        query_ids = tuple(query.query_id for query in queries)
        blank = any(math.isnan(query.start_s) for query in queries)
        return Batch(
            video=torch.from_numpy(padded(clips, (length, clips[0].shape[1]), np.float32)),
            video_mask=torch.from_numpy(mask(counts, length)),
            word_ids=torch.from_numpy(padded(words, (max(word_counts),), np.int64)),
            char_ids=torch.from_numpy(padded_chars([chars for _, chars in encoded])),
            query_mask=torch.from_numpy(mask(word_counts, max(word_counts))),
            duration_s=torch.tensor([query.duration_s for query in queries], dtype=torch.float32),
            targets=None if blank else self._targets(queries, counts, length),
            query_ids=query_ids,
        )

    def _targets(self, queries: Sequence[Query], counts: Sequence[int], length: int) -> Targets:
        moments = [self._moment(query, count) for query, count in zip(queries, counts, strict=True)]
        indices = torch.tensor(moments, dtype=torch.long)
        query_ids = [query.query_id for query in queries]
        soft = [teacher.batch(query_ids, torch.tensor(counts), length) for teacher in self._soft_labels]
        pseudo = any(isinstance(query, PseudoQuery) for query in queries)
        return Targets(
            start_index=indices[:, 0].contiguous(),
            end_index=indices[:, 1].contiguous(),
            moment_s=torch.tensor([(q.start_s, q.end_s) for q in queries], dtype=torch.float32),
            soft_labels=torch.stack(soft, 1) if soft else None,
            annotated=torch.tensor([not isinstance(q, PseudoQuery) for q in queries]) if pseudo else None,
            held_out=torch.tensor([query_id in self._held_out for query_id in query_ids]) if self._held_out else None,
            weight=torch.tensor([getattr(q, "weight", 1.0) for q in queries]) if pseudo else None,
        )

    def _video(self, video_id: str) -> FloatArray:
        clips = self._clips.get(video_id)
        if clips is None:
            rows = self._features[video_id]
            clips = resample(rows, self._max_clips, self._resampling, getattr(self._features, "widths", None))
            if isinstance(clips, np.memmap):
                clips = np.array(clips)  # each map that is kept would hold one of the process's few open files
            if self._keep_whole or clips is not rows:
                self._clips.put(video_id, clips)
        return clips

    def _sentence(self, sentence: str) -> tuple[IntArray, IntArray]:
        """Word ids `[T]` and character ids `[T, C]` of one sentence."""
        if sentence not in self._sentences:
            self._sentences[sentence] = sentence_ids(self._vocabulary, sentence, self._max_words)
        return self._sentences[sentence]

    def _moment(self, query: Query, clips: int) -> tuple[int, int]:
        key = (query, clips)
        if key not in self._moments:
            self._moments[key] = time_to_index(query.start_s, query.end_s, clips, query.duration_s)
        return self._moments[key]


def training_batches(
    queries: Sequence[Query], batch_size: int, shuffle_seed: int, epoch: int, rows: int
) -> Iterator[list[Query]]:
    """Chunks of `batch_size` of one epoch, `rows` rows in all: of fewer queries, the same ones again in another order.

    With as many rows as queries it is `batches`.
    """
    if rows == len(queries):
        yield from batches(queries, batch_size, shuffle_seed, epoch)
        return
    random = np.random.default_rng([shuffle_seed, epoch])
    passes = [random.permutation(len(queries)) for _ in range(-(-rows // len(queries)))]
    order = np.concatenate(passes)[:rows]
    for first in range(0, rows, batch_size):
        yield [queries[i] for i in order[first : first + batch_size]]


def mixed_batches(
    annotated: Sequence[Query], pseudo: Sequence[Query], batch_size: int, shuffle_seed: int, epoch: int
) -> Iterator[list[Query]]:
    """Chunks of `batch_size` of one epoch that passes over all queries; each has its share of annotated ones.

    Drawn at random, every tenth batch of 16 with a quarter annotated would have one at most.
    """
    random = np.random.default_rng([shuffle_seed, epoch])
    places, order = [], []
    for queries in (annotated, pseudo):
        # One in each stretch of equal length, at the same place in all of them.
        places.append((np.arange(len(queries)) + random.random()) / max(1, len(queries)))
        order += [queries[i] for i in random.permutation(len(queries))]
    mixed = [order[i] for i in np.concatenate(places).argsort(kind="stable")]
    for first in range(0, len(mixed), batch_size):
        yield mixed[first : first + batch_size]


def batches(queries: Sequence[Query], batch_size: int, shuffle_seed: int | None, epoch: int) -> Iterator[list[Query]]:
    """Chunks of `batch_size` queries, the last one possibly smaller.

    The order depends on `shuffle_seed` and `epoch` alone; None keeps the order given.
    """
    order: Sequence[int] | IntArray = range(len(queries))
    if shuffle_seed is not None:
        order = np.random.default_rng([shuffle_seed, epoch]).permutation(len(queries))
    for first in range(0, len(queries), batch_size):
        yield [queries[i] for i in order[first : first + batch_size]]
