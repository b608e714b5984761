"""Everything about a model that needs no clock: parameters, multiply-adds, fvcore's answer.

A large model is counted on the meta device, which runs shapes without data: a thousand GMAC then
take as long as one. A model that must see values is run instead, and so is one with long recurrent
layers, whose many small steps are slower without data than with it. A test holds that both ways agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from bench.backends.eager import Traceable, predictions, staged_run, tensors_of
from bench.instruments.crosscheck import Stageless, crosscheck, left_out
from bench.instruments.flops import count
from bench.instruments.params import count_params
from bench.missing import Missing
from bench.record import Compute, Crosscheck, Params
from bench.stages import children_as_stages
from bench.subjects import Shape, build_model, make_batch
from emtm.contract import AnyModel, ModelConfig
from emtm.data.batch import Batch

CROSSCHECK_MACS = 2e11
"""fvcore is not asked about dearer models, unless told otherwise."""
SHAPES_ALONE_PARAMS = 10_000_000
"""Models with more parameters are counted without data where that is possible."""
SHAPES_ALONE_CALLS = 3000
"""Most operators run without data; each takes as long as a small product takes with data."""


@dataclass(frozen=True, slots=True)
class Static:
    """Counts of one model on one input."""

    params: Params
    compute: Compute
    """With fvcore's answer."""

    @classmethod
    def of(cls, params: Params, compute: Compute, answer: Crosscheck) -> Static:
        """Puts fvcore's answer beside the exact count."""
        return cls(params, replace(compute, crosscheck=answer))

    @property
    def crosscheck(self) -> Crosscheck:
        """fvcore's answer."""
        assert not isinstance(self.compute.crosscheck, Missing)
        return self.compute.crosscheck


def analyse_config(
    name: str,
    config: ModelConfig,
    shape: Shape,
    crosscheck_macs: float = CROSSCHECK_MACS,
    built: Callable[[], AnyModel] | None = None,
) -> Static:
    """Counts of one inference of a registered model; `built` gives the model where it is there already.

    Raises what the model raises when it is built.
    """
    counted = _without_data(name, config, shape)
    if counted is not None and counted[1].macs > crosscheck_macs:
        return Static.of(*counted, left_out(counted[1].macs, crosscheck_macs))
    model = built() if built else build_model(name, config, shape)
    batch = make_batch(shape, config.feature_dim, 1)
    params, compute = counted or _counts(model, batch)
    return Static.of(params, compute, _crosscheck(model, batch, compute.macs, crosscheck_macs))


def analyse_model(model: AnyModel, batch: Batch, crosscheck_macs: float = CROSSCHECK_MACS) -> Static:
    """Counts of one inference of a grounding model, which is run."""
    params, compute = _counts(model, batch)
    return Static.of(params, compute, _crosscheck(model, batch, compute.macs, crosscheck_macs))


def _without_data(name: str, config: ModelConfig, shape: Shape) -> tuple[Params, Compute] | None:
    try:
        with torch.device("meta"):
            model = build_model(name, config, shape)
        if sum(p.numel() for p in model.parameters()) <= SHAPES_ALONE_PARAMS:
            return None
        return _counts(model, make_batch(shape, config.feature_dim, 1).to("meta"), SHAPES_ALONE_CALLS)
    except Exception:
        return None  # The model looks at values, or takes too many steps: it is run.


def _counts(model: AnyModel, batch: Batch, most_calls: int | None = None) -> tuple[Params, Compute]:
    compute = count(model, staged_run(model, batch), dict(model.stages), most_calls)
    return count_params(model, lambda: predictions(model, batch)), compute


def _crosscheck(model: AnyModel, batch: Batch, macs: int, most_macs: float) -> Crosscheck:
    if macs > most_macs:
        return left_out(macs, most_macs)
    return crosscheck(model, staged_run(model, batch), Traceable(model), tensors_of(batch), macs)


def analyse_module(module: nn.Module, inputs: tuple[object, ...]) -> Static:
    """Counts of one call of any module; its direct children are the stages."""
    run = Stageless(module, inputs)
    compute = count(module, run, children_as_stages(module))
    params = count_params(module, lambda: _float_tensors(module(*inputs)))
    return Static.of(params, compute, crosscheck(module, run, module, inputs, compute.macs))


def _float_tensors(output: object) -> list[Tensor]:
    leaves = tree_leaves(list(output.values()) if isinstance(output, Mapping) else output)
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()]
