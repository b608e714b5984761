"""Modules that are hard to count, each with its multiply-adds worked out by hand.

`x` is two sequences of eight steps of sixteen features. Where torch hides a part from any counter, `uncounted` is the
operator that must be named, and the multiply-adds are those of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

from tests.bench.tricks import (
    ATTENTION,
    LINEAR,
    OPS,
    RAGGED,
    RAGGED_ATTENTION,
    B,
    Call,
    D,
    H,
    L,
    Marked,
    N,
    Pair,
    Recurrent,
    Squares,
    Wrapping,
    Yielding,
    as_array,
    biased,
    blocked,
    chosen,
    chosen_twice,
    ensemble,
    exported,
    flash,
    forces,
    forces_in_their_own_mode,
    frozen,
    grouped,
    hooked,
    in_numpy,
    int8,
    looped,
    masked,
    multiplied_in_lists,
    nested,
    nested_attention,
    pooled,
    pooled_before,
    scaled,
    threaded,
    trained,
    unrolled,
    without_gradients_from_now_on,
    x_of,
)


@dataclass(frozen=True)
class Animal:
    name: str
    module: Callable[[], nn.Module]
    macs: int
    inputs: Callable[[], tuple[Any, ...]] = lambda: (x_of(B, L, D),)
    uncounted: tuple[str, ...] = ()


def _attention_inputs() -> tuple[Tensor, ...]:
    return (x_of(B, 4, L, D // 4),)


def linear() -> nn.Linear:
    return nn.Linear(D, H)


ZOO = (
    # Operators whose results are no tensors, and operators that nobody knows.
    Animal("writes into its argument", lambda: Call(scaled, linear()), LINEAR, uncounted=("emtm_zoo::scale",)),
    Animal(
        "returns an int", lambda: Call(lambda f, x: f(x) * OPS.size(x), linear()), LINEAR, uncounted=("emtm_zoo::size",)
    ),
    Animal("unknown", lambda: Call(lambda x: OPS.double(x)), 0, uncounted=("emtm_zoo::double",)),
    Animal("named like a known one", lambda: Call(lambda x: OPS.mul(x, x.mT)), 0, uncounted=("emtm_zoo::mul",)),
    Animal("made of known ones", lambda: Call(lambda x: OPS.made_of_others(x, x.mT)), B * L * L * D),
    Animal("lists in place", lambda: Call(multiplied_in_lists), 0),
    Animal("lists", lambda: Call(lambda x: torch._foreach_add([x, x], [x, x])), 0),
    Animal(
        "asks for values", lambda: Call(lambda f, x: f(x) * bool(torch.equal(x, x)) * x.max().item(), linear()), LINEAR
    ),
    Animal(
        "views",
        lambda: Call(lambda f, x: f(x.unfold(1, 1, 1).squeeze(-1).as_strided((N, D), (D, 1))), linear()),
        LINEAR,
    ),
    Animal("decomposition", lambda: Call(torch.linalg.inv), 0, lambda: (torch.eye(4),), ("aten::linalg_inv_ex",)),
    Animal(
        "transform", lambda: Call(lambda f, x: torch.fft.rfft(f(x)), linear()), LINEAR, uncounted=("aten::_fft_r2c",)
    ),
    # Out of torch.
    Animal("numpy", lambda: Call(in_numpy, linear()), LINEAR, uncounted=("Tensor.numpy",)),
    Animal("asarray", lambda: Call(as_array, linear()), LINEAR, uncounted=("Tensor.numpy",)),
    # Operators of operators.
    Animal("cond", lambda: Pair(chosen), LINEAR),
    Animal("cond in cond", lambda: Pair(chosen_twice), LINEAR),
    Animal("while loop", lambda: Call(looped, nn.Linear(D, D)), 3 * N * D * D),
    Animal("flex attention", lambda: Call(biased), ATTENTION, _attention_inputs),
    Animal("flex attention, blocks", lambda: Call(blocked), 2 * 128 * 128 * D, lambda: (x_of(1, 1, 128, D),)),
    Animal("map", lambda: Call(lambda f, x: torch.vmap(f)(x), linear()), LINEAR),
    Animal("mapped dot", lambda: Call(lambda x: torch.vmap(torch.dot)(x[0], x[1])), L * D),
    Animal("checkpoint, reentrant", lambda: Call(lambda f, x: checkpoint(f, x, use_reentrant=True), linear()), LINEAR),
    Animal("checkpoint", lambda: Call(lambda f, x: checkpoint(f, x, use_reentrant=False), linear()), LINEAR),
    # Layouts.
    Animal("jagged linear", lambda: Call(lambda f, x: f(nested(x, torch.jagged)), linear()), RAGGED * D * H),
    Animal("nested linear", lambda: Call(lambda f, x: f(nested(x, torch.strided)), linear()), RAGGED * D * H),
    Animal("jagged attention", lambda: Call(lambda x: nested_attention(x, torch.jagged)), RAGGED_ATTENTION),
    Animal("nested attention", lambda: Call(lambda x: nested_attention(x, torch.strided)), RAGGED_ATTENTION),
    Animal(
        "nested product",
        lambda: Call(lambda x: (lambda n: n @ n.transpose(-1, -2))(nested(x, torch.strided))),
        RAGGED_ATTENTION // 2,
    ),
    Animal("sparse product", lambda: Call(lambda x: torch.sparse.mm(torch.eye(L).to_sparse(), x[0])), L * D),
    Animal("sparse rows", lambda: Call(lambda x: torch.eye(L).to_sparse_csr() @ x[0]), L * D),
    Animal(
        "complex product",
        lambda: Call(lambda z: z @ z.mT),
        4 * L * L * D,
        lambda: (torch.randn(L, D, dtype=torch.cfloat),),
    ),
    Animal(
        "half precision",
        lambda: Call(lambda f, x: f(x), linear().bfloat16()),
        LINEAR,
        lambda: (x_of(B, L, D).bfloat16(),),
    ),
    Animal("autocast", lambda: Call(lambda f, x: torch.autocast("cpu", torch.bfloat16)(f)(x), linear()), LINEAR),
    Animal("integers", lambda: Call(lambda x: x @ x.mT), L * L * D, lambda: (torch.ones(L, D, dtype=torch.long),)),
    Animal("int8 linear", lambda: int8(nn.Sequential(linear()), nn.Linear), LINEAR),
    Animal("int8 LSTM", lambda: int8(Recurrent(), nn.LSTM), 0, uncounted=("aten::quantized_lstm",)),
    Animal("marked tensors", lambda: Call(lambda f, x: f(x.as_subclass(Marked)), linear()), LINEAR),
    Animal("wrapping tensors", lambda: Call(lambda f, x: f(Wrapping(x)).inner, linear().requires_grad_(False)), LINEAR),
    # Products by other names.
    Animal("tensordot", lambda: Call(lambda x: torch.tensordot(x, x, ([2], [2]))), N * N * D),
    Animal("inner", lambda: Call(lambda x: torch.inner(x, x[0])), N * L * D),
    Animal("multi dot", lambda: Call(lambda x: torch.linalg.multi_dot([x[0], x[0].T, x[0]])), 2 * L * L * D),
    Animal("matrix power", lambda: Call(lambda x: torch.linalg.matrix_power(x[0] @ x[0].T, 4)), L * L * D + 2 * L**3),
    Animal("einsum", lambda: Call(lambda x: torch.einsum("bld,bmd->blm", x, x)), B * L * L * D),
    Animal("einsum of one", lambda: Call(lambda x: torch.einsum("bld->bdl", x)), 0),
    Animal("dot", lambda: Call(lambda x: x[0, 0] @ x[0, 1]), D),
    Animal("outer", lambda: Call(lambda x: torch.outer(x[0, 0], x[0, 1])), 0),
    Animal("distances within", lambda: Call(lambda x: F.pdist(x[0])), L * (L - 1) // 2 * D),
    Animal(
        "convolution in time",
        lambda: Call(lambda x: torch.conv_tbc(x, torch.ones(3, D, H), torch.ones(H), 1)),
        N * 3 * D * H,
    ),
    Animal("unfolded convolution", lambda: Call(lambda f, x: f(F.unfold(x[:, None], (1, D)).mT), linear()), LINEAR),
    Animal("spectral norm", lambda: parametrizations.spectral_norm(linear()), LINEAR + 2 * D * H - D * H + H),
    Animal("projected LSTM", lambda: nn.LSTM(D, 8, proj_size=H), N * (4 * 8 * (D + H) + 8 * H)),
    Animal("GRU cells", lambda: Call(unrolled, nn.GRUCell(D, H)), N * 3 * H * (D + H)),
    # Attention by other ways.
    Animal("attention by one kernel", lambda: Call(flash), ATTENTION, _attention_inputs),
    Animal("attention of groups", lambda: Call(grouped), ATTENTION, _attention_inputs),
    Animal("attention with a mask", lambda: Call(masked), ATTENTION, _attention_inputs),
    Animal(
        "attention in float64",
        lambda: Call(F.scaled_dot_product_attention),
        ATTENTION,
        lambda: (x_of(B, 4, L, 4).double(),) * 3,
    ),
    # Modules that are no longer Python.
    Animal("scripted", lambda: torch.jit.script(nn.Sequential(linear(), nn.ReLU())), LINEAR),
    Animal("scripted LSTM", lambda: torch.jit.script(Recurrent()), N * 4 * H * (D + H)),
    Animal("traced", lambda: torch.jit.trace(linear(), x_of(B, L, D)), LINEAR),
    Animal("frozen", lambda: frozen(nn.Sequential(linear(), nn.ReLU())), LINEAR),
    Animal("exported", lambda: exported(nn.Sequential(linear(), nn.Dropout())), LINEAR),
    Animal("compiled", lambda: torch.compile(linear(), backend="eager"), LINEAR),
    # Modules that do more than one thing at a time, or not every time the same.
    Animal("pool of threads", lambda: Call(pooled, linear()), 2 * LINEAR),
    Animal("pool that is there already", lambda: Call(pooled_before, linear()), LINEAR),
    Animal("threads", lambda: Call(threaded, linear()), 2 * LINEAR),
    Animal("forked", lambda: Call(lambda f, x: torch.jit.wait(torch.jit.fork(f, x)), linear()), LINEAR),
    Animal("gradients in the forward pass", lambda: Call(forces, linear()), 2 * LINEAR),
    Animal("gradients in a mode of their own", lambda: Call(forces_in_their_own_mode, linear()), 2 * LINEAR),
    Animal(
        "functional gradients",
        lambda: Call(lambda f, x: torch.func.grad(lambda x: f(x).sum())(x), linear()),
        2 * LINEAR,
    ),
    Animal("a function of its own", lambda: Call(lambda x: Squares.apply(x)), B * L * L * D),
    Animal("inference mode", lambda: Call(torch.inference_mode()(lambda f, x: f(x)), linear()), LINEAR),
    Animal("lazy", lambda: nn.LazyLinear(H), LINEAR),
    Animal("shared layer", lambda: Call(lambda f, x: f(x) + f(x), linear()), 2 * LINEAR),
    Animal(
        "depends on values",
        lambda: Call(lambda f, x: [f(row) for row in x if bool(row.sum() > -1e9)], linear()),
        LINEAR,
    ),
    Animal("turns gradients off for good", lambda: Call(without_gradients_from_now_on, linear()), LINEAR),
    Animal("yields", Yielding, LINEAR),
    Animal("hooked", hooked, LINEAR + B * L * L * H),
    Animal("writes its product into a sum", lambda: Call(lambda x: torch.zeros(L, L).addmm_(x[0], x[0].T)), L * L * D),
    Animal(
        "writes its product out", lambda: Call(lambda x: torch.matmul(x, x.mT, out=torch.empty(B, L, L))), B * L * L * D
    ),
    Animal("ensemble", lambda: Call(ensemble), 3 * LINEAR),
    Animal("a step of training within", lambda: Call(trained, linear()), 3 * LINEAR),
    Animal("priced by its author", lambda: Call(lambda x: OPS.priced(x)), B * L * L * D),
    Animal("meta", lambda: linear().to("meta"), LINEAR, lambda: (x_of(B, L, D).to("meta"),)),
    Animal(
        "blocks of a sparse matrix", lambda: Call(lambda x: torch.eye(L).to_sparse_bsr((2, 2)) @ x[0]), L // 2 * 4 * D
    ),
    Animal("nothing", lambda: nn.Identity(), 0),
)
