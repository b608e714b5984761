"""Attention a part of the map at a time: the whole formula, in bounded memory."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bench.instruments.memory import activation_peak_bytes
from emtm.layers import attention
from emtm.layers.attention import attend, split_heads
from emtm.layers.masking import key_bias, pair_bias

MEBI = 1 << 20
KEPT = nn.Identity().eval()


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
    chunk=st.integers(1, 3000),
    biased=st.sampled_from(["keys", "pairs", "nothing"]),
    seed=st.integers(0, 1000),
)
def test_blocks_are_the_formula(sizes: tuple[int, int, int, int], chunk: int, biased: str, seed: int) -> None:
    batch, heads, rows, columns = sizes
    torch.manual_seed(seed)
    q, k, v = (
        split_heads(torch.randn(batch, n, heads * 4, dtype=torch.float64), heads) for n in (rows, columns, columns)
    )
    asking, mask = torch.rand(batch, rows) < 0.8, torch.rand(batch, columns) < 0.8
    bias = {
        "keys": key_bias(mask, torch.float64),
        "pairs": pair_bias(asking, mask, torch.float64),
        "nothing": torch.zeros((), dtype=torch.float64),
    }[biased]
    expected = torch.softmax(q @ k.transpose(2, 3) / 2 + bias, -1) @ v
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        patch.setattr(attention, "_CHUNK", chunk)
        torch.testing.assert_close(attend(q, k, v, bias, KEPT), expected, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize(("batch", "rows", "columns"), [(1, 600, 600), (20, 64, 64), (2, 3, 70_000)])
def test_single_precision_loses_nothing(batch: int, rows: int, columns: int) -> None:
    torch.manual_seed(0)
    q, k, v = (split_heads(torch.randn(batch, n, 64), 8) for n in (rows, columns, columns))
    bias = key_bias(torch.rand(batch, columns) < 0.8)
    whole = attend(q, k, v, bias, KEPT)
    with torch.inference_mode():
        torch.testing.assert_close(attend(q, k, v, bias, KEPT), whole, rtol=0.0, atol=3e-7)


def test_memory_grows_with_the_sequence_and_not_with_the_map() -> None:
    q, k, v = (split_heads(torch.randn(1, 4096, 32), 2) for _ in range(3))
    bias = key_bias(torch.ones(1, 4096))
    with torch.inference_mode():
        peak = activation_peak_bytes(lambda: attend(q, k, v, bias, KEPT))
    # One block, and four copies of half a mebibyte each; the map has 128 MiB.
    assert peak <= 4 * attention._CHUNK + 5 * MEBI // 2


def test_a_trace_holds_the_formula_for_every_size() -> None:
    def function(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return attend(q, k, k, torch.zeros(()), KEPT)

    q, k = torch.randn(1, 2, 700, 4), torch.randn(1, 2, 700, 4)
    with torch.no_grad():
        trace = torch.jit.trace(function, (q, k))
        torch.testing.assert_close(trace(q[:, :, :9], k[:, :, :5]), function(q[:, :, :9], k[:, :, :5]))
        assert sum(node.kind() == "aten::softmax" for node in trace.inlined_graph.nodes()) == 1
