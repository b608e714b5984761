"""Runners of the graphs that `python -m emtm export` writes, by whatever runs ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.execution import Execution, Outputs, Parts, Runner, UnavailableError
from bench.missing import Missing
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.deploy.graph import UnsupportedError, graphs, tensors

Arrays = Mapping[str, Any]
Graph = Callable[[Sequence[str], Arrays], Sequence[Any]]
"""Names of outputs, and arrays by the names of inputs -> those outputs."""
Open = Callable[[bytes, int], tuple[Graph, Sequence[str]]]
"""A serialised graph and a number of threads -> the graph made ready, and the names of its outputs."""

_WHOLE = Missing("an exported model runs as a whole")
_INSEPARABLE = Missing("the model encodes a video together with its query")


def runner(model: AnyModel, execution: Execution, ready: Open, memory: str) -> Runner:
    """Of the graphs of a model; `memory` says why no allocation is seen.

    Raises UnavailableError where a package is missing, or ONNX cannot hold the model.
    """
    if model.unexportable:
        raise UnavailableError(f"the model cannot be exported: {model.unexportable}")
    try:
        made = graphs(model, 1, steps=True)
        whole, _ = ready(made.whole, execution.threads)
    except ImportError as error:
        raise UnavailableError(f"{error.name} is not installed") from None
    except UnsupportedError as error:
        raise UnavailableError(f"the model cannot be exported: {error}") from None
    parts: Parts | Missing = _INSEPARABLE
    if made.encode is not None and made.ground is not None:
        (encode, names), (ground, _) = (ready(graph, execution.threads) for graph in (made.encode, made.ground))
        parts = Parts(
            encode_video=lambda batch: dict(zip(names, encode(names, _arrays(batch)), strict=True)),
            pick=lambda encoded, rows: {name: array[rows.numpy()] for name, array in _mapping(encoded).items()},
            ground=lambda encoded, batch: _tensor(ground(["best"], _arrays(batch) | _mapping(encoded))[0]),
        )
    return Runner(
        call=lambda batch: _tensor(whole(["best"], _arrays(batch))[0]),
        outputs=lambda batch: Outputs(*map(_tensor, whole(["distribution", "best"], _arrays(batch)))),
        place=lambda batch: batch,
        staged=_WHOLE,
        parts=parts,
        held=Missing(memory),
    )


def _arrays(batch: Batch) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in tensors(batch).items()}


def _mapping(encoded: object) -> dict[str, Any]:
    assert isinstance(encoded, dict)
    return encoded


def _tensor(array: Any) -> Tensor:
    return torch.from_numpy(array)
