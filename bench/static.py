"""Everything about a model that needs no clock: parameters, multiply-adds, fvcore's answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from bench.instruments.crosscheck import Crosscheck, Stageless, crosscheck
from bench.instruments.flops import ComputeCount, count
from bench.instruments.params import ParamCount, count_params
from bench.instruments.stages import children_as_stages
from bench.subjects import Traceable, predictions, staged_run, tensors_of
from emtm.data.batch import Batch
from emtm.registry import AnyModel


@dataclass(frozen=True, slots=True)
class Static:
    """Counts of one model on one input."""

    params: ParamCount
    compute: ComputeCount
    crosscheck: Crosscheck

    def to_json(self) -> dict[str, Any]:
        """`{params, compute}` with the cross-check inside `compute`."""
        cross = asdict(self.crosscheck)
        if cross["fvcore_macs_reason"] is None:
            del cross["fvcore_macs_reason"]
        return {"params": asdict(self.params), "compute": {**asdict(self.compute), "crosscheck": cross}}


def analyse_model(model: AnyModel, batch: Batch) -> Static:
    """Counts of one inference of a grounding model."""
    run = staged_run(model, batch)
    compute = count(model, run, dict(model.stages))
    return Static(
        params=count_params(model, lambda: predictions(model, batch)),
        compute=compute,
        crosscheck=crosscheck(model, run, Traceable(model), tensors_of(batch), compute.macs),
    )


def analyse_module(module: nn.Module, inputs: tuple[Any, ...]) -> Static:
    """Counts of one call of any module; its direct children are the stages."""
    run = Stageless(module, inputs)
    compute = count(module, run, children_as_stages(module))
    return Static(
        params=count_params(module, lambda: _float_tensors(module(*inputs))),
        compute=compute,
        crosscheck=crosscheck(module, run, module, inputs, compute.macs),
    )


def _float_tensors(output: Any) -> list[Tensor]:
    leaves = tree_leaves(list(output.values()) if isinstance(output, Mapping) else output)
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.is_floating_point()]
