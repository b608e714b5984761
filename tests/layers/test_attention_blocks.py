"""Attention at inference, by torch's kernel and a part of the map at a time: the formula, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from bench.instruments.memory import activation_peak_bytes
from emtm.layers import attention
from emtm.layers.attention import attend, split_heads
from emtm.layers.masking import key_bias, pair_bias
from emtm.processor import Route, trials

MEBI = 1 << 20
KEPT = nn.Identity().eval()


Parts = tuple[Tensor, Tensor, Tensor]
SIZES = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 40), st.integers(1, 40))
BIASES = st.sampled_from(["keys", "pairs", "nothing"])


def without_kernel() -> AbstractContextManager[None]:
    """Within it torch's fused kernel is switched off, as the counters of multiply-adds do."""
    return sdpa_kernel(SDPBackend.MATH)  # type: ignore[no-any-return]


def drawn(sizes: tuple[int, int, int, int], biased: str) -> tuple[Parts, Tensor | None]:
    """Queries, keys and values of heads that lie apart in memory, and a bias."""
    batch, heads, rows, columns = sizes
    q, k, v = (
        split_heads(torch.randn(batch, n, heads * 4, dtype=torch.float64), heads) for n in (rows, columns, columns)
    )
    asking, mask = torch.rand(batch, rows) < 0.8, torch.rand(batch, columns) < 0.8
    bias = {"keys": key_bias(mask, torch.float64), "pairs": pair_bias(asking, mask, torch.float64), "nothing": None}
    return (q, k, v), bias[biased]


def formula(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    return torch.softmax(q @ k.transpose(2, 3) / 2 + (0.0 if bias is None else bias), -1) @ v


@settings(deadline=None, max_examples=40)
@given(sizes=SIZES, chunk=st.integers(1, 3000), biased=BIASES, seed=st.integers(0, 1000))
def test_blocks_are_the_formula(sizes: tuple[int, int, int, int], chunk: int, biased: str, seed: int) -> None:
    torch.manual_seed(seed)
    parts, bias = drawn(sizes, biased)
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode(), without_kernel():
        patch.setattr(attention, "_CHUNK", chunk)
        torch.testing.assert_close(attend(*parts, bias, KEPT, fused=True), formula(*parts, bias), rtol=0.0, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(sizes=SIZES, biased=BIASES, seed=st.integers(0, 1000))
def test_the_kernel_is_the_formula(sizes: tuple[int, int, int, int], biased: str, seed: int) -> None:
    torch.manual_seed(seed)
    parts, bias = drawn(sizes, biased)
    expected = formula(*parts, bias)
    q, k, v = (part.float() for part in parts)
    with torch.inference_mode():
        found = attend(q, k, v, None if bias is None else bias.float(), KEPT, fused=True)
    torch.testing.assert_close(found.double(), expected, rtol=0.0, atol=3e-6)


@pytest.mark.parametrize(("batch", "rows", "columns"), [(1, 600, 600), (1, 800, 800), (20, 64, 64), (2, 3, 70_000)])
@pytest.mark.parametrize("kernel", [True, False])
def test_single_precision_loses_little(batch: int, rows: int, columns: int, kernel: bool) -> None:
    torch.manual_seed(0)
    q, k, v = (split_heads(torch.randn(batch, n, 64), 8) for n in (rows, columns, columns))
    bias = key_bias(torch.rand(batch, columns) < 0.8)
    whole = attend(q, k, v, bias, KEPT, fused=True)
    with torch.inference_mode(), nullcontext() if kernel else without_kernel():
        found = attend(q, k, v, bias, KEPT, fused=True)
    # The kernel's exponential is right to 20 bits.
    torch.testing.assert_close(found, whole, rtol=0.0, atol=1e-6 if kernel else 3e-7)


@pytest.mark.parametrize("kernel", [True, False])
def test_memory_grows_with_the_sequence_and_not_with_the_map(kernel: bool) -> None:
    q, k, v = (split_heads(torch.randn(1, 4096, 32), 2) for _ in range(3))
    bias = key_bias(torch.ones(1, 4096))
    with torch.inference_mode(), nullcontext() if kernel else without_kernel():
        peak = activation_peak_bytes(lambda: attend(q, k, v, bias, KEPT, fused=True))
    # One block, and four copies of half a mebibyte each; the map has 128 MiB.
    assert peak <= 4 * attention._CHUNK + 5 * MEBI // 2


def kernels(function: Callable[[], object]) -> list[str]:
    """Names of the fused kernels that a call runs."""
    names: list[str] = []

    class Noted(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            names.append(str(func))
            return func(*args, **(kwargs or {}))

    with torch.no_grad(), Noted():  # type: ignore[no-untyped-call]
        function()
    return [name for name in names if "scaled_dot_product" in name]


def test_what_must_not_be_fused_is_not() -> None:
    q = split_heads(torch.randn(1, 900, 16), 2)
    short, narrow = q[:, :, :40], q[..., :4]
    assert kernels(lambda: attend(q, q, q, None, KEPT, fused=True)) == [
        "aten._scaled_dot_product_flash_attention_for_cpu.default"
    ]
    assert not kernels(lambda: attend(q, q, q, None, KEPT))
    assert not kernels(lambda: attend(q, q, narrow, None, KEPT, fused=True))
    with without_kernel():
        assert not kernels(lambda: attend(q, q, q, None, KEPT, fused=True))
    with trials()[0].route.taken():
        assert kernels(lambda: attend(short, q, q, None, KEPT, fused=True))
    with Route("oneDNN", "bf16").taken():
        assert not kernels(lambda: attend(short, q, q, None, KEPT, fused=True))
        assert kernels(lambda: attend(q, q, q, None, KEPT, fused=True))


def test_what_is_not_fused_is_published_to_the_bit() -> None:
    torch.manual_seed(0)
    q, k, v = (split_heads(torch.randn(2, n, 32), 4) for n in (50, 30, 30))
    bias = key_bias(torch.rand(2, 30) < 0.8)
    with torch.inference_mode():
        found = attend(q, k, v, bias, KEPT)
        assert torch.equal(found, torch.softmax((q * 8**-0.5) @ k.transpose(2, 3) + bias, -1) @ v)


def test_a_trace_holds_the_formula_for_every_size() -> None:
    def function(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        return attend(q, k, k, None, KEPT, fused=True)

    q, k = torch.randn(1, 2, 700, 4), torch.randn(1, 2, 700, 4)
    with torch.no_grad():
        trace = torch.jit.trace(function, (q, k))
        torch.testing.assert_close(trace(q[:, :, :9], k[:, :, :5]), function(q[:, :, :9], k[:, :, :5]))
        assert sum(node.kind() == "aten::softmax" for node in trace.inlined_graph.nodes()) == 1
