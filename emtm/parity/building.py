"""Models with the weights of a fixture, and what their parts return."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from itertools import takewhile
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from emtm.data.text import Lexicon
from emtm.errors import UserError
from emtm.parity.fixture import Fixture
from emtm.registry import model_class


def build(fixture: Fixture, name: str, settings: Mapping[str, Any], lexicon: Lexicon) -> Any:
    """A registered model without its weights, of the fixture's sizes; UserError where they make no model."""
    model_type = model_class(name)
    try:
        return model_type(model_type.config_class(**settings), lexicon)
    except (ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError, UserError) as error:
        raise UserError(f"{fixture.name}: its sizes and options make no {name}: {error}") from error


def load(fixture: Fixture, module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Weights into a module; UserError, with the array's name, where one is missing, too many or of another shape."""
    places = module.state_dict()
    for name, value in state.items():
        key = fixture.source(value) or name
        if name not in places:
            raise UserError(f"{fixture.name}: '{key}' has no place in the model")
        if places[name].shape != value.shape:
            have, need = tuple(value.shape), tuple(places[name].shape)
            raise UserError(f"{fixture.name}: '{key}' makes {name} of shape {have}, and the model takes {need}")
    for name in places:
        if name not in state:
            like = max(state, key=partial(_alike, name), default=name)
            beside = fixture.source(state[like]) if like in state else None
            said = f"lacks the array that {name} is made of" + (f", beside '{beside}'" if beside else "")
            raise UserError(f"{fixture.name} {said}")
    module.load_state_dict(dict(state))


def _alike(name: str, other: str) -> int:
    """How many characters two names begin with together."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False)))


def model_module(name: str) -> ModuleType:
    """Module of a registered model, for what it is made of: `emtm` imports no model by itself."""
    return importlib.import_module(model_class(name).__module__)


class Recorder:
    """Keeps what submodules return, and what they are given, while a model runs."""

    def __init__(self, model: nn.Module, *names: str) -> None:
        self.outputs: dict[str, Any] = {}
        self.inputs: dict[str, Any] = {}
        for name in names:
            model.get_submodule(name).register_forward_hook(self._hook(name))

    def _hook(self, name: str) -> Callable[..., None]:
        def keep(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self.inputs[name], self.outputs[name] = inputs, output

        return keep


def linear_weights(prefix: str, kernel: Tensor, bias: Tensor | None) -> dict[str, Tensor]:
    """State of a linear layer from a TensorFlow kernel `[(1,) in, out]` and bias of any shape."""
    state = {f"{prefix}.weight": kernel.reshape(kernel.shape[-2:]).t()}
    if bias is not None:
        state[f"{prefix}.bias"] = bias.flatten()
    return state
