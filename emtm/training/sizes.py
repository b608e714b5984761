"""How much memory a model takes, found before it is built for real."""

from __future__ import annotations

import dataclasses

import torch
from torch import nn

from emtm.contract import ModelConfig
from emtm.data.text import Lexicon
from emtm.errors import UserError
from emtm.memory import check_memory
from emtm.registry import model_class

_BYTES = 4
_COPIES = 4
"""Of each trained weight: itself, its gradient, and Adam's two moments."""


def check_size(model: str, config: ModelConfig, lexicon: Lexicon, teachers: int = 0) -> None:
    """Raise UserError where the weights of a model, or its training state, cannot fit into memory.

    The weights are counted on torch's meta device, which allocates nothing. Settings that would take that count
    itself for ever are refused first, by less than they would take at least.
    """
    dim = getattr(config, "dim", 1)
    for field in sorted(dataclasses.fields(config), key=lambda field: field.name != "dim"):
        value = getattr(config, field.name)
        if isinstance(value, int) and not isinstance(value, bool):
            square = field.name == "dim" or "map" in field.name
            check_memory(_BYTES * value * (value if square else dim), f"{model} with {field.name} {value:,}")
    built = model_class(model)
    try:
        with torch.device("meta"):
            table = torch.empty_like(lexicon.vectors)
            learned = isinstance(lexicon.vectors, nn.Parameter)
            blank = Lexicon(nn.Parameter(table) if learned else table, lexicon.num_chars, lexicon.words)
            empty = built(config, blank)
            empty.prepare_training(teachers)
    except RuntimeError as error:
        if "overflow" in str(error):
            raise UserError(f"{model} of these sizes is larger than any memory") from None
        return
    except Exception:
        return  # a model of somebody's that cannot be built without numbers is built without this check
    weights = [*empty.parameters(), *empty.buffers()]
    numbers = sum(weight.numel() * (_COPIES if weight.requires_grad else 1) for weight in weights)
    check_memory(_BYTES * numbers, f"training {model} of these sizes")
