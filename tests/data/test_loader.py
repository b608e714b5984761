import resource
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from emtm.data.features import open_store, pool_clips
from emtm.data.labels import time_to_index
from emtm.data.loader import Collator, batches
from emtm.data.lru import ArrayCache
from emtm.data.records import Dataset, FloatArray, Query, WordVectors
from emtm.data.text import Vocabulary
from emtm.errors import UserError


class Store(dict[str, FloatArray]):
    dim = 3

    def __missing__(self, video_id: str) -> NoReturn:
        raise UserError(f"no features of video '{video_id}'")


QUERIES = (
    Query("a/0", "a", "a door.", 10.0, 2.0, 4.0),
    Query("b/0", "b", "the person opens a door", 30.0, 0.0, 30.0),
    Query("a/1", "a", "a", 10.0, 9.0, 10.0),
)


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    store = Store({v: rng.standard_normal((n, 3)).astype(np.float32) for v, n in (("a", 5), ("b", 20))})
    words = ("a", "door", ".", "opens")
    return Dataset("toy", False, {"train": QUERIES}, store, WordVectors(words, np.ones((4, 2), np.float32)))


@pytest.fixture
def vocabulary(dataset: Dataset) -> Vocabulary:
    return Vocabulary.build((query.sentence for query in QUERIES), dataset.word_vectors, min_char_count=1)


def test_a_batch(dataset: Dataset, vocabulary: Vocabulary) -> None:
    batch = Collator(dataset, vocabulary, max_clips=8, max_words=4).collate(QUERIES)
    assert batch.video.shape == (3, 8, 3)
    assert batch.num_clips.tolist() == [5, 8, 5]
    np.testing.assert_array_equal(batch.video[1], pool_clips(dataset.features["b"], 8))
    np.testing.assert_array_equal(batch.video[0, :5], dataset.features["a"])
    assert not batch.video[~batch.video_mask].any()
    assert batch.query_mask.sum(1).tolist() == [3, 4, 1]
    assert batch.word_ids.shape == (3, 4)
    assert batch.word_ids[1, 0] == 1
    assert torch.equal(batch.query_mask, batch.word_ids != 0)
    assert batch.char_ids.shape == (3, 4, 6)
    assert (batch.char_ids[0] != 0).sum(1).tolist() == [1, 4, 1, 0]
    assert batch.duration_s.tolist() == [10, 30, 10]
    assert batch.query_ids == ("a/0", "b/0", "a/1")
    truth = batch.truth()
    assert truth.moment_s.tolist() == [[2, 4], [0, 30], [9, 10]]
    expected = [time_to_index(q.start_s, q.end_s, n, q.duration_s) for q, n in zip(QUERIES, (5, 8, 5), strict=True)]
    assert list(zip(truth.start_index.tolist(), truth.end_index.tolist(), strict=True)) == expected
    assert expected[1] == (0, 7)


def test_padding(dataset: Dataset, vocabulary: Vocabulary) -> None:
    shortest = Collator(dataset, vocabulary, 8, 4).collate(QUERIES[2:])
    assert shortest.video.shape == (1, 5, 3)
    assert shortest.char_ids.shape == (1, 1, 4)
    padded = Collator(dataset, vocabulary, 8, 4, pad_to_max=True).collate(QUERIES[2:])
    assert padded.video.shape == (1, 8, 3)
    assert torch.equal(padded.video[:, :5], shortest.video)
    assert padded.num_clips.tolist() == [5]


def test_a_batch_is_its_samples(dataset: Dataset, vocabulary: Vocabulary) -> None:
    collator = Collator(dataset, vocabulary, 8, 4, pad_to_max=True)
    together = collator.collate(QUERIES)
    for i, query in enumerate(QUERIES):
        alone = collator.collate([query])
        words, chars = alone.char_ids.shape[1:]
        assert torch.equal(alone.video[0], together.video[i])
        assert torch.equal(alone.word_ids[0], together.word_ids[i, :words])
        assert torch.equal(alone.char_ids[0], together.char_ids[i, :words, :chars])


def test_filling_a_batch_does_not_touch_the_cache(dataset: Dataset, vocabulary: Vocabulary) -> None:
    collator = Collator(dataset, vocabulary, 8, 4)
    first = collator.collate(QUERIES)
    kept = first.video.clone()
    first.video.zero_()
    assert torch.equal(collator.collate(QUERIES).video, kept)


def test_short_videos_do_not_hold_their_files_open(tmp_path: Path, dataset: Dataset, vocabulary: Vocabulary) -> None:
    """A process may have about a thousand files open, and a dataset has more videos."""
    queries = [Query(str(i), f"v{i}", "a door.", 10.0, 2.0, 4.0) for i in range(40)]
    for query in queries:
        np.save(tmp_path / f"{query.video_id}.npy", np.ones((5, 3), np.float32))
    collator = Collator(replace(dataset, features=open_store(tmp_path)), vocabulary, max_clips=8, max_words=4)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, before[1]))
    try:
        assert collator.collate(queries).video.shape == (40, 5, 3)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_cannot_be_collated(dataset: Dataset, vocabulary: Vocabulary) -> None:
    collator = Collator(dataset, vocabulary, 8, 4)
    with pytest.raises(UserError, match="no features of video 'x'"):
        collator.collate([Query("x/0", "x", "a door", 10.0, 1.0, 2.0)])
    with pytest.raises(UserError, match="query is empty"):
        collator.collate([Query("a/2", "a", " ", 10.0, 1.0, 2.0)])
    with pytest.raises(UserError, match="at least one query"):
        collator.collate([])


@given(st.integers(0, 40), st.integers(1, 9), st.integers(0, 3), st.integers(0, 3))
def test_every_query_comes_once(count: int, size: int, seed: int, epoch: int) -> None:
    queries = [Query(str(i), "a", "a", 10.0, 0.0, 1.0) for i in range(count)]
    chunks = list(batches(queries, size, seed, epoch))
    assert sorted(int(q.query_id) for chunk in chunks for q in chunk) == list(range(count))
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert chunks == list(batches(queries, size, seed, epoch))
    assert [q for chunk in batches(queries, size, None, epoch) for q in chunk] == queries


def test_epochs_and_seeds_have_different_orders() -> None:
    queries = [Query(str(i), "a", "a", 10.0, 0.0, 1.0) for i in range(50)]
    orders = {tuple(q.query_id for q in next(batches(queries, 50, seed, epoch))) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


def test_the_array_cache_forgets_the_least_recently_used() -> None:
    cache = ArrayCache(max_bytes=16)
    a, b, c = (np.full(8, i, np.uint8) for i in range(3))
    cache.put("a", a)
    cache.put("b", b)
    assert cache.get("a") is a
    cache.put("c", c)
    assert cache.get("b") is None
    assert cache.get("a") is a
    assert cache.get("c") is c
    cache.put("big", np.zeros(17, np.uint8))
    assert cache.get("big") is None
