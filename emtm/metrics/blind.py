"""Two models that lack half of the input: what they reach, a grounding model must beat.

Both choose among the segments of an even grid over the normalised video and learn, by binary
cross-entropy, whether a segment has an IoU of at least 1/2 with the annotated moment. The query-only
model sees a bag of words and the duration, and so needs nothing but annotations; the video-only model
sees the clip features. Such models were shown to rival published ones by Otani et al. (BMVC 2020).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from emtm.data.records import FeatureStore, Query
from emtm.data.text import tokenize
from emtm.metrics.iou import Array, temporal_iou

_QUERY_BUDGET = (2500, 12)
_VIDEO_BUDGET = (1500, 20)
"""Most steps, and most epochs."""
_BATCH = 128
_LEARNING_RATE = 2e-3
_SKETCH = 64
_MIN_COUNT = 2


def query_only(train: Sequence[Query], test: Sequence[Query], seed: int = 0) -> Array:
    """Moments `[Q, 2]` in seconds for `test`, from sentence and duration alone."""
    counts = Counter(word for query in train for word in tokenize(query.sentence))
    known = [word for word, count in counts.items() if count >= _MIN_COUNT]
    ids = {word: i for i, word in enumerate(known, 2)}
    log = np.log(durations(train))
    mean, scale = log.mean(), log.std() + 1e-3

    def inputs(queries: Sequence[Query]) -> Tensor:
        """Duration, then the ids of the words (0 padding, 1 unknown), `[Q, 1 + T]`."""
        bags = [[ids.get(word, 1) for word in tokenize(query.sentence)] for query in queries]
        rows = np.zeros((len(bags), 1 + max(map(len, bags))), np.float32)
        rows[:, :1] = (np.log(durations(queries)) - mean) / scale
        for row, bag in zip(rows, bags, strict=True):
            row[1 : 1 + len(bag)] = bag
        return torch.from_numpy(rows)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        grid = grid_size(train)
        model = _BagScorer(len(known) + 2, len(candidates(grid)))
        seen = (inputs(train), torch.arange(len(train)))
        return _fit_predict(model, model.head.bias, grid, train, test, seen, inputs(test), _QUERY_BUDGET)


def video_only(train: Sequence[Query], test: Sequence[Query], features: FeatureStore, seed: int = 0) -> Array:
    """Moments `[Q, 2]` in seconds for `test`, from the clip features alone, one answer a video."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        grid = grid_size(train)
        # A random projection keeps distances (Johnson-Lindenstrauss) and fits every video in memory.
        sketch = torch.randn(features.dim, _SKETCH) / features.dim**0.5

        def inputs(queries: Sequence[Query]) -> tuple[Tensor, Tensor]:
            videos = list(dict.fromkeys(query.video_id for query in queries))
            # Multiplied by NumPy, which takes mapped files as they are; PyTorch warns that they are read-only.
            thin = (torch.from_numpy(np.asarray(features[video] @ sketch.numpy())) for video in videos)
            clips = [_pooled(rows, grid) for rows in thin]
            place = {video: i for i, video in enumerate(videos)}
            return torch.stack(clips), torch.tensor([place[query.video_id] for query in queries])

        (seen, owner), (unseen, test_owner) = inputs(train), inputs(test)
        seen, unseen = _standardised(seen, unseen)
        model = _PairScorer(grid)
        return _fit_predict(model, model.prior, grid, train, test, (seen, owner), unseen[test_owner], _VIDEO_BUDGET)


def candidates(grid: int) -> Array:
    """Normalised segments `[C, 2]` of whole cells: `(i / grid, (j + 1) / grid)` for i <= j."""
    first, last = np.triu_indices(grid)
    return np.stack([first, last + 1], 1) / grid


def grid_size(train: Sequence[Query]) -> int:
    """32 cells; 64 where half of the moments are shorter than two cells of 32, as in TACoS."""
    spans = normalised(train)
    return 32 if np.median(spans[:, 1] - spans[:, 0]) >= 2 / 32 else 64


def normalised(queries: Sequence[Query]) -> Array:
    """Moments `[Q, 2]` as fractions of the duration, ends clipped to the video."""
    moments = np.array([(query.start_s, query.end_s) for query in queries], np.float64)
    return np.minimum(moments / durations(queries), 1)


def durations(queries: Sequence[Query]) -> Array:
    """Seconds `[Q, 1]`."""
    return np.array([[query.duration_s] for query in queries], np.float64)


class _BagScorer(nn.Module):
    """Scores `[B, C]` of a duration and a bag of words `[B, 1 + T]`."""

    def __init__(self, words: int, answers: int, width: int = 128) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(words, width, mode="mean", padding_idx=0)
        nn.init.normal_(self.words.weight, std=0.1)
        self.duration = nn.Linear(1, width)
        self.hidden = nn.Linear(width, 256)
        self.head = nn.Linear(256, answers)

    def forward(self, inputs: Tensor) -> Tensor:
        words = F.dropout(self.words(inputs[:, 1:].long()), 0.3, self.training)
        bag = words + self.duration(inputs[:, :1])
        scores: Tensor = self.head(F.dropout(F.relu(self.hidden(bag)), 0.5, self.training))
        return scores


class _PairScorer(nn.Module):
    """Scores `[B, C]` of clips `[B, grid, S]`: each cell as a start times each as an end, plus a prior."""

    def __init__(self, grid: int, width: int = 32) -> None:
        super().__init__()
        self.width = width
        self.trunk = nn.Sequential(
            nn.Dropout(0.2),
            nn.Conv1d(_SKETCH, width, 5, padding=2),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv1d(width, 2 * width, 5, padding=2),
        )
        self.prior = nn.Parameter(torch.zeros(len(candidates(grid))))
        self.pairs = np.triu_indices(grid)

    def forward(self, clips: Tensor) -> Tensor:
        starts, ends = self.trunk(clips.mT).split(self.width, 1)
        table: Tensor = starts.mT @ ends / self.width
        return table[:, self.pairs[0], self.pairs[1]] + self.prior


def _fit_predict(
    model: nn.Module,
    prior: nn.Parameter,
    grid: int,
    train: Sequence[Query],
    test: Sequence[Query],
    seen: tuple[Tensor, Tensor],
    unseen: Tensor,
    budget: tuple[int, int],
) -> Array:
    """Train on inputs `seen[0][seen[1]]` and take the likeliest candidate for each row of `unseen`."""
    inputs, owner = seen
    segments = candidates(grid)
    moments = normalised(train)
    with torch.no_grad():  # begins at the base rates, that is at the best fixed segment
        chunks = np.array_split(moments, 1 + len(moments) // 2000)
        rate = sum((_good(chunk, segments).sum(0) for chunk in chunks), torch.zeros(len(segments)))
        prior.copy_(((rate + 1) / (len(train) + 2)).logit())
    steps = min(budget[0], budget[1] * (1 + len(train) // _BATCH))
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps)
    model.train()
    for _ in range(steps):
        rows = torch.randint(len(train), (_BATCH,))
        target = _good(moments[rows.numpy()], segments)
        loss = F.binary_cross_entropy_with_logits(model(inputs[owner[rows]]), target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        best = torch.cat([model(rows).argmax(1) for rows in torch.split(unseen, 1000)])
    answer: Array = segments[best.numpy()] * durations(test)
    return answer


def _good(moments: Array, segments: Array) -> Tensor:
    """1 where a candidate has IoU of at least 1/2 with a moment, float `[Q, C]`."""
    return torch.from_numpy(temporal_iou(moments[:, None], segments) >= 0.5).float()


def _pooled(rows: Tensor, clips: int) -> Tensor:
    """Average of the rows `[n, S]` under each of `clips` cells, which a short video shares rows among."""
    return F.adaptive_avg_pool1d(rows.T[None], clips)[0].T


def _standardised(train: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
    """Zero mean and unit variance of each input over `train`."""
    flat = train.reshape(-1, train.shape[-1])
    mean, scale = flat.mean(0), flat.std(0, correction=0) + 1e-3
    return (train - mean) / scale, (test - mean) / scale
