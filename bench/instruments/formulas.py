"""FLOPs of operators: the multiply-add formulas torch lacks, and a cost table for the rest.

Formulas take an operator's own arguments and return FLOPs (2 per multiply-add), in the form
`torch.utils.flop_counter.FlopCounterMode` accepts in `custom_mapping`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

Formula = Callable[..., int]
aten = torch.ops.aten


def _raw(formula: Formula) -> Formula:
    formula._get_raw = True  # type: ignore[attr-defined]
    return formula


@_raw
def _trilinear(
    a: Tensor,
    b: Tensor,
    c: Tensor,
    expand1: Sequence[int],
    expand2: Sequence[int],
    expand3: Sequence[int],
    sumdim: Sequence[int],
    *_: object,
    **__: object,
) -> int:
    """Contract `a` with `b` over the summed dimensions `c` lacks, then the result with `c`."""
    sizes = [_unsqueezed(t, e) for t, e in zip((a, b, c), (expand1, expand2, expand3), strict=True)]
    full: list[int] = [max(dims) for dims in zip(*sizes, strict=True)]
    first_sum: int = math.prod(full[d] for d in sumdim if d in expand3)
    product: int = math.prod(full)
    return 2 * (product + product // first_sum)


def _unsqueezed(tensor: Tensor, expand: Sequence[int]) -> list[int]:
    sizes = list(tensor.shape)
    for dim in expand:
        sizes.insert(dim, 1)
    return sizes


@_raw
def _pairwise_distance(a: Tensor, b: Tensor, *_: object, out_val: Tensor, **__: object) -> int:
    return 2 * out_val.numel() * a.shape[-1]


@_raw
def _mkldnn_rnn(x: Tensor, w_input: Tensor, w_hidden: Tensor, *_: object, **__: object) -> int:
    """One layer and direction over `[T, B, in]`; gates are rows of both weights."""
    return 2 * (x.numel() // x.shape[-1]) * (w_input.numel() + w_hidden.numel())


@_raw
def _cudnn_rnn(x: Tensor, weights: Sequence[Tensor], *_: object, **__: object) -> int:
    """All layers and directions; packed input `[steps, in]` holds valid steps alone."""
    return 2 * (x.numel() // x.shape[-1]) * sum(w.numel() for w in weights if w.dim() == 2)


def _lengths(x: Tensor) -> list[int]:
    if x.is_nested:
        return [int(t.shape[0]) for t in x.unbind()]
    return [x.shape[1]] * x.shape[0]


def _attention(query: Tensor, key: Tensor, dim: int) -> int:
    pairs = zip(_lengths(query), _lengths(key), strict=True)
    return sum(2 * q * dim * dim + 2 * k * dim * dim + 2 * q * k * dim for q, k in pairs)


@_raw
def _native_attention(query: Tensor, key: Tensor, value: Tensor, dim: int, *_: object, **__: object) -> int:
    """Four projections and two products of `[B, L, E]` batches."""
    return 2 * _attention(query, key, dim)


@_raw
def _encoder_layer(x: Tensor, dim: int, *rest: Any, **__: object) -> int:
    """Attention and the two feed-forward products."""
    inner, outer = rest[12], rest[14]
    feed_forward: int = sum(_lengths(x)) * (inner.numel() + outer.numel())
    return 2 * (_attention(x, x, dim) + feed_forward)


@_raw
def _flash_cpu(query: Tensor, key: Tensor, value: Tensor, *_: object, **__: object) -> int:
    pairs = query.shape[0] * query.shape[1] * query.shape[2] * key.shape[2]
    return int(2 * pairs * (query.shape[3] + value.shape[3]))


@_raw
def _matrix_vector(matrix: Tensor, *_: object, **__: object) -> int:
    return 2 * matrix.numel()


@_raw
def _add_matrix_vector(_bias: Tensor, matrix: Tensor, *_: object, **__: object) -> int:
    return 2 * matrix.numel()


@_raw
def _add_batched(_bias: Tensor, a: Tensor, b: Tensor, *_: object, **__: object) -> int:
    return 2 * a.numel() * b.shape[2]


EXTRA: dict[object, Formula] = {
    aten._trilinear: _trilinear,
    aten._cdist_forward: _pairwise_distance,
    aten._euclidean_dist: _pairwise_distance,
    aten.mkldnn_rnn_layer: _mkldnn_rnn,
    aten._cudnn_rnn: _cudnn_rnn,
    aten._native_multi_head_attention: _native_attention,
    aten._transformer_encoder_layer_fwd: _encoder_layer,
    aten._scaled_dot_product_flash_attention_for_cpu: _flash_cpu,
    aten.mv: _matrix_vector,
    aten.dot: _matrix_vector,
    aten.vdot: _matrix_vector,
    aten.addmv: _add_matrix_vector,
    aten.addbmm: _add_batched,
}
"""Formulas for operators that `torch.utils.flop_counter` has none for."""

MULTIPLY_ADD: dict[object, Formula] = {**flop_registry, **EXTRA}
"""Every operator whose multiply-adds are counted exactly."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ELEMENTWISE: dict[str, int] = {
    **dict.fromkeys(
        _names(
            "add sub rsub mul div neg abs reciprocal relu threshold hardtanh clamp clamp_min clamp_max "
            "maximum minimum where masked_fill eq ne lt le gt ge logical_and logical_or logical_not "
            "bitwise_and bitwise_or bitwise_not sign floor ceil round trunc floor_divide remainder fmod "
            "exp exp2 expm1 log log2 log10 log1p sqrt rsqrt sin cos pow square leaky_relu isnan isfinite "
            "tril triu dropout bernoulli dropout_mask native_dropout _prelu_kernel nll_loss_forward nll_loss2d_forward"
        ),
        1,
    ),
    "addcmul": 2,
    "addcdiv": 2,
    "lerp": 3,
    "sigmoid": 4,
    "silu": 5,
    "tanh": 6,
    "elu": 3,
    "softplus": 4,
    "erf": 8,
    "gelu": 10,
    "hardsigmoid": 3,
    "hardswish": 4,
}
"""FLOPs an output element; transcendental functions built from exp count its steps."""

NORMALISATION: dict[str, int] = {
    "native_layer_norm": 5,
    "native_group_norm": 5,
    "native_batch_norm": 2,
    "_native_batch_norm_legit_no_training": 2,
    "_native_batch_norm_legit": 5,
    "cudnn_batch_norm": 2,
    "_softmax": 5,
    "_safe_softmax": 5,
    "_log_softmax": 5,
    "linalg_vector_norm": 2,
    "norm": 2,
}
"""FLOPs an input element of normalisations; softmax is max, subtract, exp, sum, divide."""

REDUCTION = frozenset(
    _names(
        "sum mean max min amax amin argmax argmin prod any all cumsum cumprod cummax cummin var std "
        "var_mean logsumexp topk sort max_pool1d max_pool2d_with_indices avg_pool1d avg_pool2d "
        "_adaptive_avg_pool2d adaptive_max_pool2d count_nonzero nansum bincount"
    )
)
"""Operators that cost one FLOP an input element."""

MOVEMENT = frozenset(
    _names(
        "clone copy copy_ _to_copy cat stack empty empty_like empty_strided new_empty new_zeros new_ones "
        "new_full zeros zeros_like ones ones_like full full_like fill zero arange linspace eye "
        "scalar_tensor lift_fresh lift_fresh_copy embedding index index_select gather scatter scatter_add "
        "index_put index_copy index_add repeat repeat_interleave roll flip constant_pad_nd reflection_pad1d "
        "replication_pad1d _unsafe_view contiguous detach _pack_padded_sequence _pad_packed_sequence "
        "_local_scalar_dense item unsafe_split unsafe_chunk nonzero masked_select resize set_ "
        "_reshape_alias transpose t squeeze unsqueeze view as_strided im2col col2im pixel_shuffle one_hot "
        "to_padded_tensor _nested_tensor_from_mask _nested_tensor_from_mask_left_aligned _assert_async _assert_scalar "
        "_assert_tensor_metadata tril_indices triu_indices rand randn randint uniform normal "
        "diag_embed resolve_conj resolve_neg isin searchsorted bucketize unfold_backward"
    )
)
"""Operators that only create, move or look up values."""
