"""Recurrent layers, counted by a few steps: each step does the same, so that a long sequence is told by short ones.

Step by step a layer over a video is tens of thousands of operators, and to be shown each takes a hundred times what
it takes itself. The layer as a whole still runs, unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import get_ident
from typing import Any, TypeGuard
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves

from bench.instruments.ledger import OpLedger, OpRow

SHORT = 2
"""Steps of the shorter of two sequences; at one step torch may leave out what joins them."""
LAYERS = ("lstm", "gru")
_BATCH_FIRST = 8
"""Place of that argument; the sequence comes first, its states, weights and flags between."""
_HAS_BIASES = 3


@contextmanager
def few_steps(ledger: OpLedger) -> Iterator[None]:
    """Books in a ledger what `nn.LSTM` and `nn.GRU` do to sequences of one length, without showing it every step.

    What packs sequences of several lengths, and what records gradients, goes on to be seen step by step. The layers
    are met where they call torch: a function mode would turn modules away from their fast paths.
    """
    functions: Any = torch._VF
    few = _FewSteps(ledger)
    with ExitStack() as stack:
        for name in LAYERS:
            stack.enter_context(patch.object(functions, name, partial(few.call, name, getattr(functions, name))))
        yield


class _FewSteps:
    def __init__(self, ledger: OpLedger) -> None:
        self._ledger = ledger
        self._thread = get_ident()
        self._known: dict[object, tuple[list[OpRow], list[OpRow]]] = {}

    def call(self, name: str, layer: Callable[..., object], *args: object) -> object:
        if get_ident() != self._thread or torch.is_grad_enabled() or torch.is_inference_mode_enabled():
            return layer(*args)
        sequence, steps = args[0], 1 if len(args) > _BATCH_FIRST and args[_BATCH_FIRST] is True else 0
        if not _is_padded(sequence, args) or sequence.shape[steps] <= SHORT + 1:
            return layer(*args)
        with _disable_current_modes():
            key = _key(name, sequence.select(steps, 0), args)
            if key not in self._known:
                short, longer = (
                    self._rows(layer, (sequence.narrow(steps, 0, few).clone(), *args[1:])) for few in (SHORT, SHORT + 1)
                )
                self._known[key] = short, longer
            self._ledger.extend(*self._known[key], sequence.shape[steps] - SHORT)
            return layer(*args)

    def _rows(self, layer: Callable[..., object], args: tuple[object, ...]) -> list[OpRow]:
        ledger = self._ledger.alike()
        with ledger:
            layer(*args)
        return ledger.rows


def _is_padded(sequence: object, args: tuple[object, ...]) -> TypeGuard[Tensor]:
    """Is it plain, and not packed: one length for all?"""
    plain = type(sequence) in (Tensor, nn.Parameter) and len(args) > _HAS_BIASES and isinstance(args[_HAS_BIASES], bool)
    return plain and sequence.dim() == 3  # type: ignore[attr-defined]


def _key(name: str, step: Tensor, args: tuple[object, ...]) -> object:
    """What two layers share whose steps do the same: kind, flags, and the shapes of a step, its states and weights."""
    leaves = tree_leaves(args[1:])
    tensors = tuple((leaf.shape, leaf.dtype, leaf.device) for leaf in leaves if isinstance(leaf, Tensor))
    return name, step.shape, step.dtype, tensors, tuple(leaf for leaf in leaves if not isinstance(leaf, Tensor))
