from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.backends.eager import predictions
from bench.instruments.params import count_params
from bench.missing import Missing
from bench.subjects import make_batch
from tests.bench.toy import DIM, SHAPE, toy


def test_counts_of_a_grounding_model() -> None:
    model = toy()
    batch = make_batch(SHAPE, 8, 1)
    counted = count_params(model, lambda: predictions(model, batch))
    dead = DIM * 2 + 2
    trainable = (8 + 1) * DIM + (5 + 1) * DIM + (DIM + 1) * DIM + dead
    table = (SHAPE.word_vocabulary - 2) * 5
    assert counted.trainable == trainable
    assert counted.frozen == table
    assert counted.total == trainable + table
    assert counted.embedding == table
    assert counted.buffers == 0
    assert counted.bytes == 4 * (trainable + table)
    assert counted.unreachable == dead
    assert all(p.grad is None for p in model.parameters())


class Tables(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 4)
        self.positions = nn.Embedding(6, 4)
        self.tied = nn.Linear(4, 10, bias=False)
        self.tied.weight = self.words.weight
        self.norm = nn.BatchNorm1d(10)
        self.frozen = nn.Parameter(torch.ones(3), requires_grad=False)

    def forward(self, ids: Tensor) -> Tensor:
        hidden = self.words(ids) + self.positions(torch.arange(ids.shape[1]))
        return self.norm(self.tied(hidden).transpose(1, 2))


def test_tied_positions_and_buffers() -> None:
    module = Tables()
    counted = count_params(module, lambda: [module(torch.zeros(2, 5, dtype=torch.long))])
    assert counted.embedding == 40  # positions are no vocabulary, and the tied table counts once
    assert counted.trainable == 40 + 24 + 20
    assert counted.frozen == 3
    assert counted.buffers == 21  # mean, variance, batches seen
    assert counted.unreachable == 0


def test_without_a_differentiable_output_nothing_is_known() -> None:
    module = nn.Linear(2, 2)
    counted = count_params(module, lambda: [module(torch.ones(1, 2)).detach()])
    assert counted.unreachable == Missing("no output carries a gradient")
    assert counted.trainable == 6
