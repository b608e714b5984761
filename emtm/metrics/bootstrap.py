"""Confidence intervals of scores whose queries come in videos."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
_CHUNK = 100


def cluster_interval(
    values: npt.ArrayLike, clusters: Sequence[Hashable], seed: int = 0
) -> npt.NDArray[np.float64] | None:
    """95 % interval of the mean of each column of `values` `[Q, M]`; gives `[M, 2]` (low, high).

    Queries of one video are not independent (TACoS has 25 test videos), so videos are resampled with
    replacement and each resample is the ratio of the sums of its videos; the interval is between the
    2.5th and 97.5th percentiles of 2000 resamples (Davison and Hinkley, 1997, ch. 3.8). None with fewer
    than two clusters, whose spread is unknown.
    """
    table = np.asarray(values, np.float64)
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return None
    sums = np.zeros((len(names), table.shape[1] + 1))
    np.add.at(sums, member, np.column_stack([table, np.ones(len(table))]))
    rng = np.random.default_rng(seed)
    share = np.full(len(names), 1 / len(names))
    draws = []
    for _ in range(0, RESAMPLES, _CHUNK):  # all [2000, V] counts at once would be 80 MB on ActivityNet
        totals = rng.multinomial(len(names), share, size=_CHUNK) @ sums
        draws.append(totals[:, :-1] / totals[:, -1:])
    return np.percentile(np.concatenate(draws), [2.5, 97.5], axis=0).T
