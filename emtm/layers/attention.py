"""Multi-head attention over explicit heads; on a CPU by torch's own kernel or a part of the map at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emtm.layers.dropout import Dropout, draw_levels, keep, keep_scale
from emtm.layers.tracing import result_alone
from emtm.processor import products_by_onednn

_CHUNK = 1 << 18
"""Probabilities worked on at a time, so that they stay in the cache between operations."""
_LONG = 768
"""Queries from which on torch's kernel multiplies 256 at a time, and not 32 or 64."""


def split_heads(x: Tensor, heads: int) -> Tensor:
    """`[B, L, D]` -> `[B, H, L, D/H]`; heads are consecutive slices of D."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """`[B, H, L, D/H]` -> `[B, L, D]`."""
    return x.transpose(1, 2).flatten(2)


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, dropout: nn.Module, *, fused: bool = False) -> Tensor:
    """Scaled dot-product attention with additive bias and dropout on the probabilities.

    Args:
        q: `[B, H, L, E]`.
        k: `[B, H, S, E]`.
        v: `[B, H, S, E]`.
        bias: `[B or 1, H or 1, L or 1, S]`, or None for none; no gradient flows into it where dropout is active.
        dropout: applied to the probabilities.
        fused: whether torch's kernel may be taken where it is faster; its exponential is right to 20 bits.
    """
    if isinstance(dropout, Dropout) and dropout.active and q.device.type == "cpu":
        return _DroppedAttention.apply(q, k, v, bias, dropout.rate)  # type: ignore[no-any-return, no-untyped-call]
    if not dropout.training and result_alone(q):
        if fused and _worth_kernel(q, v):
            return F.scaled_dot_product_attention(q, k, v, bias)
        if q.shape[:3].numel() * k.shape[2] > _CHUNK:
            return _attend_by_blocks(q, k, v, bias)
    scores = torch.matmul(q * q.shape[-1] ** -0.5, k.transpose(2, 3))
    return torch.matmul(dropout(torch.softmax(scores if bias is None else scores + bias, -1)), v)


def _worth_kernel(q: Tensor, v: Tensor) -> bool:
    """Whether torch's fused kernel is allowed, takes these sizes, and is no slower than the formula.

    It makes many small products, and oneDNN, where it is chosen to make them, prepares each for longer than it takes.
    """
    if q.shape[3] != v.shape[3] or not torch.backends.cuda.flash_sdp_enabled():  # type: ignore[no-untyped-call]
        return False
    return q.shape[2] >= _LONG or not products_by_onednn()


def _attend_by_blocks(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
    """The same products and sums, block by block: each row of the map is a softmax of its own.

    The whole map of a long video is hundreds of megabytes, written and read once an operation.
    """
    q, k, v = (q * q.shape[-1] ** -0.5).contiguous(), k.contiguous(), v.contiguous()
    out = q.new_empty((*q.shape[:3], v.shape[3]))
    biases = bias.expand(*q.shape[:3], k.shape[2]) if bias is not None and bias.any() else None
    for samples, heads, rows in _blocks(q, k):
        block, whole = (samples, heads, rows), (samples, heads)
        _attend_block(q[block], k[whole], v[whole], None if biases is None else biases[block], out[block])
    return out


def _attend_block(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, out: Tensor) -> None:
    scores = torch.matmul(q, k.transpose(2, 3))
    if bias is not None:
        scores.add_(bias)
    # Each row is read before it is written.
    torch.softmax(scores, -1, out=scores)
    torch.matmul(scores, v, out=out)


def _blocks(q: Tensor, k: Tensor) -> Iterator[tuple[slice, ...]]:
    """Samples, heads and rows of a map `[B, H, L, S]`, as many as fit in `_CHUNK`; one row at least."""
    size, axes = k.shape[2], []
    for length in reversed(q.shape[:3]):
        step = min(length, max(1, _CHUNK // size))
        axes.append([slice(start, start + step) for start in range(0, length, step)])
        size *= length
    return product(*reversed(axes))


class _DroppedAttention(torch.autograd.Function):
    """Attention with dropout, some samples at a time.

    A map `[B, H, L, S]` of long videos is tens of megabytes, and autograd would write and read a
    dozen of them: that, not arithmetic, was most of a training step on TACoS.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, rate: float) -> Tensor:
        # Heads lie apart in memory; in a row, each is copied once rather than for every product.
        q, k, v = (q * q.shape[-1] ** -0.5).contiguous(), k.contiguous(), v.contiguous()
        ctx.save_for_backward(q, k, v)
        ctx.rate, ctx.chunks = rate, []
        out = torch.empty((*q.shape[:3], v.shape[3]), dtype=v.dtype)
        for rows in _chunks(q, k):
            scores = torch.matmul(q[rows], k[rows].transpose(2, 3))
            if bias is not None:
                scores.add_(_rows(bias, rows))
            probability = torch.softmax(scores, -1)
            levels = draw_levels(probability.shape)
            ctx.chunks.append((rows, probability, levels))
            torch.matmul(keep(levels, rate, probability.dtype).mul_(probability), v[rows], out=out[rows])
        return out.mul_(keep_scale(rate))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v = ctx.saved_tensors
        of_q, of_k, of_v = (torch.empty_like(x) for x in (q, k, v))
        gradient = (gradient * keep_scale(ctx.rate)).contiguous()
        for rows, probability, levels in ctx.chunks:
            kept = keep(levels, ctx.rate, probability.dtype)
            of_probability = torch.matmul(gradient[rows], v[rows].transpose(2, 3)).mul_(kept)
            torch.matmul(kept.mul_(probability).transpose(2, 3), gradient[rows], out=of_v[rows])
            of_scores = torch._softmax_backward_data(of_probability, probability, -1, probability.dtype)
            torch.matmul(of_scores, k[rows], out=of_q[rows])
            torch.matmul(of_scores.transpose(2, 3), q[rows], out=of_k[rows])
        return of_q.mul_(q.shape[-1] ** -0.5), of_k, of_v, None, None


def _chunks(q: Tensor, k: Tensor) -> list[slice]:
    """Runs of samples whose probabilities fit in `_CHUNK`; at least one sample each."""
    size = max(1, _CHUNK // (q.shape[1] * q.shape[2] * k.shape[2]))
    return [slice(start, start + size) for start in range(0, q.shape[0], size)]


def _rows(bias: Tensor, rows: slice) -> Tensor:
    """Rows of a bias that may be the same for every sample."""
    return bias[rows] if bias.dim() == 4 and bias.shape[0] > 1 else bias
