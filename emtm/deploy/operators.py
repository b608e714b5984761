"""Operators of our models that torch's exporter has no ONNX form for, written in those that ONNX has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch._C._onnx import TensorProtoDataType
from torch.onnx import symbolic_helper
from torch.onnx.utils import register_custom_op_symbolic, unregister_custom_op_symbolic

OPSET = 18

Graph = Any
Value = Any
"""The exporter's graph and its values; torch gives neither a public type."""


@contextmanager
def known() -> Iterator[None]:
    """Within the block torch exports these operators too."""
    for name, symbolic in _SYMBOLICS.items():
        register_custom_op_symbolic(name, symbolic, OPSET)
    try:
        yield
    finally:
        for name in _SYMBOLICS:
            unregister_custom_op_symbolic(name, OPSET)


def _matrix_transpose(g: Graph, x: Value) -> Value:
    rank = _rank(x)
    return g.op("Transpose", x, perm_i=[*range(rank - 2), rank - 1, rank - 2])


def _argsort(g: Graph, x: Value, *arguments: Value) -> Value:
    return _sort(g, x, *arguments)[1]


def _sort(g: Graph, x: Value, *arguments: Value) -> tuple[Value, Value]:
    """Both overloads, `(dim, descending)` and `(stable, dim, descending)`; of equals ONNX too takes the first."""
    dim, descending = (symbolic_helper._parse_arg(value, "i") for value in arguments[-2:])
    size = g.op("Gather", g.op("Shape", x), g.op("Constant", value_t=torch.tensor([dim])), axis_i=0)
    values, indices = g.op("TopK", x, size, axis_i=dim, largest_i=int(descending), sorted_i=1, outputs=2)
    return values, indices


def _cummax(g: Graph, x: Value, dim: Value) -> tuple[Value, Value]:
    """Maxima of the rows of a triangle of copies; of equals the first is named, where torch names the last."""
    rank, axis = _rank(x), symbolic_helper._parse_arg(dim, "i")
    last = [i for i in range(rank) if i != axis % rank] + [axis % rank]
    back = [last.index(i) for i in range(rank)]
    rows = g.op("Transpose", x, perm_i=last)
    size = g.op("Gather", g.op("Shape", rows), g.op("Constant", value_t=torch.tensor(rank - 1)), axis_i=0)
    zero, one = (g.op("Constant", value_t=torch.tensor(value)) for value in (0, 1))
    place = g.op("Range", zero, size, one)
    axes = {name: g.op("Constant", value_t=torch.tensor([value])) for name, value in (("row", 1), ("column", 0))}
    earlier = g.op("LessOrEqual", g.op("Unsqueeze", place, axes["column"]), g.op("Unsqueeze", place, axes["row"]))
    copies = g.op("Unsqueeze", rows, g.op("Constant", value_t=torch.tensor([rank - 1])))
    lowest = g.op("CastLike", g.op("Constant", value_t=torch.tensor(torch.finfo(torch.float32).min)), x)
    seen = g.op("Where", earlier, copies, lowest)
    values = g.op("ReduceMax", seen, g.op("Constant", value_t=torch.tensor([-1])), keepdims_i=0)
    indices = g.op("ArgMax", seen, axis_i=-1, keepdims_i=0)
    return g.op("Transpose", values, perm_i=back), g.op("Transpose", indices, perm_i=back)


def _cumsum(g: Graph, x: Value, dim: Value, dtype: Value = None) -> Value:
    """Counts where truths are added, as torch does."""
    if symbolic_helper._is_bool(x):
        x = g.op("Cast", x, to_i=TensorProtoDataType.INT64)
    return g.op("CumSum", x, g.op("Constant", value_t=torch.tensor(symbolic_helper._parse_arg(dim, "i"))))


def _diag(g: Graph, x: Value, offset: Value) -> Value:
    """The matrix whose diagonal is a vector."""
    column, row = (g.op("Unsqueeze", x, g.op("Constant", value_t=torch.tensor([axis]))) for axis in (1, 0))
    return g.op("Mul", column, g.op("EyeLike", g.op("MatMul", column, row)))


def _rank(x: Value) -> int:
    rank = symbolic_helper._get_tensor_rank(x)
    assert rank is not None, "a traced tensor has a rank"
    return rank


_SYMBOLICS: Mapping[str, Callable[..., Any]] = {
    "aten::diag": _diag,
    "aten::cumsum": _cumsum,
    "aten::mT": _matrix_transpose,
    "aten::sort": _sort,
    "aten::argsort": _argsort,
    "aten::cummax": _cummax,
}
