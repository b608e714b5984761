"""Multiply-adds of operators: the formulas that torch lacks.

Formulas take an operator's own arguments and return FLOPs (2 per multiply-add), in the form
`torch.utils.flop_counter.FlopCounterMode` accepts in `custom_mapping`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
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
def _distance_within(a: Tensor, *_: object, out_val: Tensor, **__: object) -> int:
    return 2 * out_val.numel() * a.shape[-1]


@_raw
def _mkldnn_rnn(x: Tensor, w_input: Tensor, w_hidden: Tensor, *_: object, **__: object) -> int:
    """One layer and direction over `[T, B, in]`; gates are rows of both weights."""
    return 2 * (x.numel() // x.shape[-1]) * (w_input.numel() + w_hidden.numel())


@_raw
def _mkldnn_rnn_backward(x: Tensor, w_input: Tensor, w_hidden: Tensor, *_: object, **__: object) -> int:
    """Gradients of inputs and of weights, each as dear as the layer."""
    return 2 * _mkldnn_rnn(x, w_input, w_hidden)


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
def _flash(query: Tensor, key: Tensor, value: Tensor, *_: object, **__: object) -> int:
    """`[B, H, L, D]`, of which keys and values may have fewer heads."""
    pairs = query.shape[0] * query.shape[1] * query.shape[2] * key.shape[2]
    return int(2 * pairs * (query.shape[3] + value.shape[3]))


@_raw
def _matrix_vector(matrix: Tensor, *_: object, **__: object) -> int:
    return 2 * matrix.numel()


@_raw
def _add_matrix_vector(_bias: Tensor, matrix: Tensor, *_: object, **__: object) -> int:
    return 2 * matrix.numel()


@_raw
def _add_matrix(_bias: Tensor, a: Tensor, b: Tensor, *_: object, **__: object) -> int:
    return 2 * a.numel() * b.shape[1]


@_raw
def _add_batched(_bias: Tensor, a: Tensor, b: Tensor, *_: object, **__: object) -> int:
    """`a [B, N, K]` times `b [B, K, M]`, whether or not the batch is summed."""
    return 2 * a.numel() * b.shape[2]


@_raw
def _rows_by_matrix(x: Tensor, *_: object, out_val: Tensor, **__: object) -> int:
    """`x [..., K]` times a matrix of K rows, or columns: every output element is K multiply-adds."""
    return 2 * out_val.numel() * x.shape[-1]


@_raw
def _time_convolution(x: Tensor, weight: Tensor, *_: object, out_val: Tensor, **__: object) -> int:
    """`conv_tbc`: weight `[K, in, out]`."""
    return 2 * out_val.numel() * weight.shape[0] * weight.shape[1]


@_raw
def _one_kernel(_x: Tensor, weight: Tensor, *_: object, out_val: Tensor | tuple[Tensor, ...], **__: object) -> int:
    """A convolution by one kernel of a library: weight `[out, in / groups, ...]`."""
    out = out_val if isinstance(out_val, Tensor) else out_val[0]
    return int(2 * out.numel() * math.prod(weight.shape[1:]))


@_raw
def _one_transposed_kernel(x: Tensor, weight: Tensor, *_: object, **__: object) -> int:
    return int(2 * x.numel() * math.prod(weight.shape[1:]))


@_raw
def _convolution_backward(grad_out: Tensor, x: Tensor, weight: Tensor, *rest: Any, **__: object) -> int:
    """Gradients of input and weight, as far as they are asked for: each takes the products of the forward pass.

    Weight `[out, in / groups, ...]`, or `[in, out / groups, ...]` where transposed. torch's own formula takes the
    weight's gradient for one without groups, which is `groups` times too much.
    """
    *_, transposed, _, _, asked = rest
    forward = (x if transposed else grad_out).numel() * math.prod(weight.shape[1:])
    return int(2 * forward * (bool(asked[0]) + bool(asked[1])))


@_raw
def _attention_backward(_grad: Tensor, query: Tensor, key: Tensor, value: Tensor, *_: object, **__: object) -> int:
    """Scores anew, then gradients of scores, values, queries and keys."""
    pairs = query.shape[0] * query.shape[1] * query.shape[2] * key.shape[2]
    return int(2 * pairs * (3 * query.shape[3] + 2 * value.shape[3]))


def _there(namespace: object, formulas: Mapping[str, Formula]) -> dict[object, Formula]:
    """Formulas of those operators that this torch has."""
    return {getattr(namespace, name): formula for name, formula in formulas.items() if hasattr(namespace, name)}


EXTRA: dict[object, Formula] = {
    **_there(
        aten,
        {
            "_trilinear": _trilinear,
            "_cdist_forward": _pairwise_distance,
            "_euclidean_dist": _pairwise_distance,
            "_pdist_forward": _distance_within,
            "mkldnn_rnn_layer": _mkldnn_rnn,
            "mkldnn_rnn_layer_backward": _mkldnn_rnn_backward,
            "_cudnn_rnn": _cudnn_rnn,
            "_native_multi_head_attention": _native_attention,
            "_transformer_encoder_layer_fwd": _encoder_layer,
            "_scaled_dot_product_flash_attention_for_cpu": _flash,
            "_scaled_dot_product_flash_attention": _flash,
            "_scaled_dot_product_efficient_attention": _flash,
            "_scaled_dot_product_cudnn_attention": _flash,
            "_scaled_dot_product_fused_attention_overrideable": _flash,
            "_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward,
            "mv": _matrix_vector,
            "dot": _matrix_vector,
            "vdot": _matrix_vector,
            "addmv": _add_matrix_vector,
            "addbmm": _add_batched,
            "addmv_": _add_matrix_vector,
            "addbmm_": _add_batched,
            "addmm_": _add_matrix,
            "_addmm_activation": _add_matrix,
            "baddbmm_": _add_batched,
            "_int_mm": _rows_by_matrix,
            "_weight_int8pack_mm": _rows_by_matrix,
            "mkldnn_linear": _rows_by_matrix,
            "conv_tbc": _time_convolution,
            "convolution_backward": _convolution_backward,
            "mkldnn_convolution": _one_kernel,
            "_conv_depthwise2d": _one_kernel,
            "conv_depthwise3d": _one_kernel,
            "slow_conv3d_forward": _one_kernel,
            "slow_conv_dilated2d": _one_kernel,
            "slow_conv_dilated3d": _one_kernel,
            "cudnn_convolution_relu": _one_kernel,
            "cudnn_convolution_add_relu": _one_kernel,
            "slow_conv_transpose2d": _one_transposed_kernel,
            "slow_conv_transpose3d": _one_transposed_kernel,
            "cudnn_convolution_transpose": _one_transposed_kernel,
        },
    ),
    **_there(
        torch.ops.quantized,
        dict.fromkeys(
            (
                *("linear", "linear_relu", "linear_dynamic", "linear_relu_dynamic"),
                *("linear_dynamic_fp16", "linear_relu_dynamic_fp16"),
            ),
            _rows_by_matrix,
        ),
    ),
}
"""Formulas for operators that `torch.utils.flop_counter` has none for, or one that knows fewer shapes."""

LAID_OUT = frozenset(
    getattr(aten, name)
    for name in (
        *("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
        *("mkldnn_linear", "mkldnn_convolution", "mkldnn_rnn_layer"),
    )
    if hasattr(aten, name)
)
"""Whose formulas take nested tensors, or those that a library lays out."""
NESTED_PRODUCTS = frozenset({aten.matmul, aten.bmm})
"""Products of nested tensors part by part; on a CPU they are padded first, elsewhere not, so padding is no part."""
_SPARSE_BY_DENSE: dict[object, int] = {
    aten.mm: 0,
    aten.bmm: 0,
    aten.mv: 0,
    aten.addmm: 1,
    aten.addmv: 1,
    aten._sparse_addmm: 1,
}
"""Products that a sparse matrix may stand in, and the place of the first factor."""
_COMPLEX = 4
"""Real multiply-adds of a complex one."""
_REGISTERED: Mapping[object, Formula] = cast("Mapping[object, Formula]", flop_registry)
"""What torch knows, and what is registered with it later."""


def formula_of(packet: object) -> Formula | None:
    """The formula of an operator: ours, torch's, or one that somebody has registered with torch."""
    return EXTRA.get(packet) or _REGISTERED.get(packet)


def multiply_adds(packet: object, args: tuple[object, ...], kwargs: Mapping[str, object], result: object) -> int | None:
    """Multiply-adds of one call; None where nothing tells them for such an operator or such arguments."""
    if formula_of(packet) is None and packet not in _SPARSE_BY_DENSE and packet not in NESTED_PRODUCTS:
        return None
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    if packet not in LAID_OUT and any(tensor.layout is not torch.strided or tensor.is_nested for tensor in tensors):
        macs = _nested_product(packet, args, result)
        macs = _sparse_product(packet, args) if macs is None else macs
    else:
        macs = _by_formula(packet, args, kwargs, result)
    return macs if macs is None or not any(tensor.is_complex() for tensor in tensors) else _COMPLEX * macs


def _by_formula(packet: object, args: tuple[object, ...], kwargs: Mapping[str, object], result: object) -> int | None:
    formula = formula_of(packet)
    if formula is None:
        return None
    try:
        return int(formula(*args, **kwargs, out_val=result)) // 2
    except Exception:
        return None  # torch's formulas assert the shapes that they know.


def _nested_product(packet: object, args: tuple[object, ...], result: object) -> int | None:
    a = args[0]
    if packet not in NESTED_PRODUCTS or not (isinstance(a, Tensor) and isinstance(result, Tensor)):
        return None
    if not (a.is_nested and result.is_nested):
        return None
    return sum(out.numel() * part.shape[-1] for part, out in zip(a.unbind(), result.unbind(), strict=True))


def _sparse_product(packet: object, args: tuple[object, ...]) -> int | None:
    """Every stored value of a sparse matrix is multiplied with one row of the dense one."""
    first = _SPARSE_BY_DENSE.get(packet)
    if first is None:
        return None
    a, b = args[first], args[first + 1]
    if not (isinstance(a, Tensor) and isinstance(b, Tensor) and b.layout is torch.strided):
        return None
    if a.layout is torch.strided or a.is_nested or b.is_nested:
        return None
    return stored(a) * (b.shape[-1] if packet not in (aten.mv, aten.addmv) else 1)


def stored(tensor: Tensor) -> int:
    """Elements that a tensor of any layout holds."""
    if tensor.is_nested:
        return sum(part.numel() for part in tensor.unbind())
    if tensor.layout is torch.sparse_coo:
        return tensor._values().numel()
    if tensor.layout in (torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc):
        return tensor.values().numel()
    return tensor.numel()
