"""Modules that are hard to count, each with its multiply-adds worked out by hand.

`x` is two sequences of eight steps of sixteen features. Where torch hides a part from any counter, `uncounted` is the
operator that must be named, and the multiply-adds are those of the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import register_flop_formula

B, L, D, H = 2, 8, 16, 4
N = B * L
SHORT = 5
"""Steps of the second sequence where lengths differ."""
RAGGED = L + SHORT
ATTENTION = 2 * B * L * L * D
RAGGED_ATTENTION = 2 * (L * L + SHORT * SHORT) * D
LINEAR = N * D * H

_LIBRARY = torch.library.Library("emtm_zoo", "DEF")
for _schema in ("scale(Tensor(a!) x) -> ()", "size(Tensor x) -> int", "double(Tensor x) -> Tensor"):
    _LIBRARY.define(_schema)
_LIBRARY.define("priced(Tensor x) -> Tensor")
_LIBRARY.define("mul(Tensor x, Tensor y) -> Tensor")
_LIBRARY.define("made_of_others(Tensor x, Tensor y) -> Tensor")


def _scale(x: Tensor) -> None:
    x.mul_(2)


_LIBRARY.impl("scale", _scale, "CPU")
_LIBRARY.impl("size", lambda x: int((x @ x.mT).sum() > 0), "CPU")
_LIBRARY.impl("double", lambda x: x * 2, "CPU")
_LIBRARY.impl("mul", lambda x, y: x @ y, "CPU")
_LIBRARY.impl("made_of_others", lambda x, y: x @ y, "CompositeImplicitAutograd")
_LIBRARY.impl("priced", lambda x: x @ x.mT, "CPU")
OPS: Any = torch.ops.emtm_zoo


@register_flop_formula(OPS.priced)  # type: ignore[untyped-decorator]
def _flops_of_priced(x: tuple[int, ...], **_: object) -> int:
    return 2 * x[0] * x[1] * x[1] * x[2]


class Call(nn.Module):
    """A function of parts and inputs as a module."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module) -> None:
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(parts)

    def forward(self, *inputs: Any, **keywords: Any) -> Any:
        return self.function(*self.parts, *inputs, **keywords)


class Pair(nn.Module):
    """Two linear layers, of which a rule picks one."""

    def __init__(self, pick: Callable[[Pair, Tensor], Tensor]) -> None:
        super().__init__()
        self.narrow, self.wide = nn.Linear(D, H), nn.Linear(D, D)
        self.pick = pick

    def forward(self, x: Tensor) -> Tensor:
        return self.pick(self, x)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(D, H)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.lstm(x)[0]
        return out


class Yielding(nn.Module):
    """Computes when it is asked for the next row."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow = nn.Linear(D, H)

    def forward(self, x: Tensor) -> Iterator[Tensor]:
        for row in x:
            yield self.narrow(row)


class Marked(Tensor):
    """A tensor that torch's functions, but not its dispatcher, know from others."""


class Wrapping(Tensor):
    """A tensor that holds another one, and computes on it."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> Wrapping:
        made: Wrapping = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)  # type: ignore[attr-defined]
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        def open_(value: Any) -> Any:
            return value.inner if isinstance(value, Wrapping) else value

        out = func(*torch.utils._pytree.tree_map(open_, args), **torch.utils._pytree.tree_map(open_, kwargs or {}))
        return cls(out) if isinstance(out, Tensor) else out


class Squares(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x @ x.mT

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        raise NotImplementedError


def x_of(*shape: int) -> Tensor:
    return torch.randn(shape)


def nested(x: Tensor, layout: torch.layout) -> Tensor:
    return torch.nested.nested_tensor([x[0], x[1, :SHORT]], layout=layout)


def nested_attention(x: Tensor, layout: torch.layout) -> Tensor:
    heads = nested(x, layout).view(B, -1, 4, 4).transpose(1, 2)
    heads = heads.contiguous() if layout is torch.strided else heads
    return F.scaled_dot_product_attention(heads, heads, heads)


def chosen(pair: Pair, x: Tensor) -> Tensor:
    return torch.cond(x.sum() < 1e9, lambda x: pair.narrow(x).sum(-1), lambda x: pair.wide(x).sum(-1), (x,))


def chosen_twice(pair: Pair, x: Tensor) -> Tensor:
    return torch.cond(x.sum() < 1e9, lambda x: chosen(pair, x), lambda x: pair.wide(x).sum(-1), (x,))


def looped(layer: nn.Module, x: Tensor) -> Any:
    from torch._higher_order_ops.while_loop import while_loop

    return while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, layer(x)), (torch.tensor(0), x))


def biased(q: Tensor) -> Any:
    return flex_attention(q, q, q, score_mod=lambda score, b, h, i, j: score + (i - j))


def blocked(q: Tensor) -> Any:
    mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, q.shape[2], q.shape[2], device="cpu")
    return flex_attention(q, q, q, block_mask=mask)


def pooled(layer: nn.Module, x: Tensor) -> Any:
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(layer, [x, x]))


_POOL = ThreadPoolExecutor(1)


def pooled_before(layer: nn.Module, x: Tensor) -> Any:
    return _POOL.submit(layer, x).result()


def threaded(layer: nn.Module, x: Tensor) -> Tensor:
    threads = [threading.Thread(target=layer, args=(x,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return x


def forces(layer: nn.Module, x: Tensor) -> Tensor:
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(layer(x).sum(), x)[0]


def forces_in_their_own_mode(layer: nn.Module, x: Tensor) -> Tensor:
    with torch.enable_grad():
        return forces(layer, x)


def in_numpy(layer: nn.Module, x: Tensor) -> Tensor:
    return torch.from_numpy(layer(x).detach().numpy() @ np.ones((H, 3), np.float32))


def as_array(layer: nn.Module, x: Tensor) -> Tensor:
    return torch.as_tensor(np.asarray(layer(x).detach()) @ np.ones((H, 3), np.float32))


def scaled(layer: nn.Module, x: Tensor) -> Tensor:
    OPS.scale(x)
    return layer(x)  # type: ignore[no-any-return]


def multiplied_in_lists(x: Tensor) -> Tensor:
    torch._foreach_mul_([x, x], 2.0)
    return x


def flash(x: Tensor) -> Tensor:
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        return F.scaled_dot_product_attention(x, x, x)


def grouped(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x[:, :2], x[:, :2], enable_gqa=True)


def masked(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x, attn_mask=torch.ones(L, L, dtype=torch.bool).tril())


def without_gradients_from_now_on(layer: nn.Module, x: Tensor) -> Any:
    torch.set_grad_enabled(False)
    return layer(x)


def hooked() -> nn.Module:
    layer = nn.Linear(D, H)
    layer.register_forward_hook(lambda module, inputs, output: output @ output.mT)
    return layer


def ensemble(x: Tensor) -> Any:
    state = torch.func.stack_module_state([nn.Linear(D, H) for _ in range(3)])  # type: ignore[arg-type]
    layer = nn.Linear(D, H)
    return torch.vmap(lambda params, buffers: torch.func.functional_call(layer, (params, buffers), (x,)))(*state)


def trained(layer: nn.Module, x: Tensor) -> Any:
    with torch.enable_grad():
        optimizer = torch.optim.SGD(layer.parameters(), 0.1)
        layer(x).sum().backward()
        optimizer.step()
    return layer(x)


def unrolled(cell: nn.GRUCell, x: Tensor) -> Tensor:
    state = torch.zeros(B, H)
    for step in x.unbind(1):
        state = cell(step, state)
    return state


def int8(module: nn.Module, kind: type[nn.Module]) -> nn.Module:
    made: nn.Module = torch.ao.quantization.quantize_dynamic(module, {kind})
    return made


def exported(module: nn.Module) -> nn.Module:
    return torch.export.export(module, (x_of(B, L, D),)).module()


def frozen(module: nn.Module) -> nn.Module:
    return torch.jit.freeze(torch.jit.script(module.eval()))


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
