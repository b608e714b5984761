import numpy as np
import pytest

from emtm.metrics.bootstrap import cluster_interval


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(0).random((60, 2))
    videos = [str(i // 3) for i in range(60)]
    np.testing.assert_array_equal(cluster_interval(values, videos), cluster_interval(values, videos))
    assert cluster_interval(values, videos).shape == (2, 2)


def test_one_query_a_video_agrees_with_the_normal_interval() -> None:
    values = np.random.default_rng(1).random((400, 1))
    low, high = cluster_interval(values, range(400))[0]
    half = 1.96 * values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - half, abs=half / 10)
    assert high == pytest.approx(values.mean() + half, abs=half / 10)


def test_queries_that_repeat_their_video_add_nothing() -> None:
    values = np.random.default_rng(2).random((50, 1))
    repeated = np.repeat(values, 10, axis=0)
    np.testing.assert_allclose(
        cluster_interval(repeated, np.repeat(np.arange(50), 10).tolist()), cluster_interval(values, range(50))
    )


def test_coverage_of_correlated_queries() -> None:
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(100):
        values = np.repeat(rng.normal(size=(40, 1)), 8, axis=0) + 0.3 * rng.normal(size=(320, 1))
        low, high = cluster_interval(values, np.repeat(np.arange(40), 8).tolist())[0]
        inside += low <= 0 <= high
    assert 88 <= inside <= 99


def test_one_video_tells_no_spread() -> None:
    assert cluster_interval(np.ones((3, 1)), ["v"] * 3) is None
