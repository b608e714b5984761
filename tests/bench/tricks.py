"""Modules and functions that counters stumble over, and operators that torch does not know."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
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
