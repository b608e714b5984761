"""Which stage of a model is running: contract methods first, mapped submodules inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

OTHER = "other"


class StageTracker:
    """A stack of stage names; the innermost is current.

    `on_change` is called with the stage that has been current, each time before it changes.
    """

    def __init__(self, on_change: Callable[[str], None] | None = None) -> None:
        self._stack: list[str] = []
        self._on_change = on_change

    @property
    def current(self) -> str:
        """Innermost stage, `other` outside all."""
        return self._stack[-1] if self._stack else OTHER

    @property
    def outermost(self) -> str:
        """The stage that encloses all, the contract's method for a grounding model; `other` outside all."""
        return self._stack[0] if self._stack else OTHER

    @contextmanager
    def enter(self, stage: str) -> Iterator[None]:
        """Makes `stage` current for the block."""
        self._push(stage)
        try:
            yield
        finally:
            self._pop()

    @contextmanager
    def hooked(self, module: nn.Module, mapping: Mapping[str, str]) -> Iterator[None]:
        """Within the block, a call of a submodule at or under a mapped path enters that stage.

        The longest mapped path wins. Paths the module does not have are passed over, since one
        class may build different parts by its configuration.
        """
        handles = []
        for path, child in module.named_modules():
            stage = _mapped(path, mapping)
            if stage is not None and not isinstance(child, torch.jit.ScriptModule):  # Scripts take no hooks.
                handles.append(child.register_forward_pre_hook(self._before(stage)))
                handles.append(child.register_forward_hook(self._after, always_call=True))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _push(self, stage: str) -> None:
        self._tell()
        self._stack.append(stage)

    def _pop(self) -> None:
        self._tell()
        self._stack.pop()

    def _tell(self) -> None:
        if self._on_change is not None:
            self._on_change(self.current)

    def _before(self, stage: str) -> Callable[..., None]:
        def hook(*_: object) -> None:
            self._push(stage)

        return hook

    def _after(self, *_: object) -> None:
        self._pop()


def _mapped(path: str, mapping: Mapping[str, str]) -> str | None:
    while path:
        if path in mapping:
            return mapping[path]
        path = path.rpartition(".")[0]
    return mapping.get("")


def children_as_stages(module: nn.Module) -> dict[str, str]:
    """Stages of a module that declares none: its direct children, by name."""
    return {name: name for name, _ in module.named_children()}
