"""Everything about a model that needs no clock: parameters, multiply-adds, fvcore's answer.

A large model is counted on the meta device, which runs shapes without data: a thousand GMAC then
take as long as one. A model that must see values is run instead, and so is one with long recurrent
layers, whose many small steps are slower without data than with it. A test holds that both ways agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import nn

from bench.backends.eager import Traceable, predictions, staged_run, tensors_of
from bench.instruments.crosscheck import Answer, ask_fvcore, compared, crosscheck, left_out
from bench.instruments.eval_mode import eval_mode
from bench.instruments.flops import canonical_with_gradients, count, operators, plain, plain_whole, summarise
from bench.instruments.ledger import OpRow
from bench.instruments.params import Lookups, params_of_seen, summed, tables, unreachable
from bench.missing import Missing, told
from bench.record import Compute, Crosscheck, Params
from bench.specimen import OfTensors, Specimen
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


@dataclass(frozen=True, slots=True)
class Parts:
    """Counts of somebody's module: what could not be counted is missing, and says why."""

    params: Params
    compute: Compute | Missing
    crosscheck: Crosscheck


class ModuleFailsError(Exception):
    """A module fails on its example inputs when nothing but itself is run; the text says how."""


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


def macs_of(name: str, config: ModelConfig, shape: Shape) -> int:
    """Multiply-adds of one inference of a registered model, and nothing else; raises as `analyse_config`.

    Counted without data where that is possible: a long video has large intermediates.
    """
    try:
        with torch.device("meta"):
            model = build_model(name, config, shape)
        return _macs(model, make_batch(shape, config.feature_dim, 1).to("meta"), SHAPES_ALONE_CALLS)
    except Exception:
        model = build_model(name, config, shape)
        return _macs(model, make_batch(shape, config.feature_dim, 1))


def _macs(model: AnyModel, batch: Batch, most_calls: int | None = None) -> int:
    return count(model, staged_run(model, batch), dict(model.stages), most_calls).macs


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
    lookups = Lookups()
    with lookups:
        compute = count(model, staged_run(model, batch), dict(model.stages), most_calls)
    return params_of_seen(model, lookups, lambda: predictions(model, batch)), compute


def _crosscheck(model: AnyModel, batch: Batch, macs: int, most_macs: float) -> Crosscheck:
    if macs > most_macs:
        return left_out(macs, most_macs)
    return crosscheck(model, staged_run(model, batch), Traceable(model), tensors_of(batch), macs)


def analyse_module(
    module: nn.Module, inputs: tuple[object, ...], keywords: Mapping[str, object] | None = None
) -> Parts:
    """Counts of one call of any module; its direct children are the stages.

    Each part is found on a copy of its own and fails alone. Raises ModuleFailsError when the module itself fails.
    """
    given = Specimen(module, inputs, keywords or {})
    if given.unmade:
        _runs(given.fresh())
    spare = given.twin()
    compute = _exact(given.fresh(), spare)
    macs = compute if isinstance(compute, Missing) else compute.macs
    return Parts(_params(spare), compute, compared(lambda: _asked(spare), lambda: _seen_whole(spare), macs))


def _exact(first: Specimen, spare: Specimen) -> Compute | Missing:
    stages = children_as_stages(first.module)
    try:
        return summarise(operators(first.module, first.run, stages))
    except (Exception, SystemExit) as error:
        failed = told(error)
    for mode in (canonical_with_gradients, plain):
        again = spare.twin()
        with suppress(Exception, SystemExit):
            return summarise(operators(again.module, again.run, stages, mode))
    _runs(spare.twin())
    return Missing(f"the counter failed, and the module does not: {failed}")


def _runs(specimen: Specimen) -> None:
    """Raises ModuleFailsError unless the module runs by itself, with gradients if not without."""
    try:
        with eval_mode(specimen.module), torch.no_grad(), suppress(Exception, SystemExit):
            specimen.fresh()()
            return
        with eval_mode(specimen.module), torch.enable_grad():
            specimen.fresh()()
    except (Exception, SystemExit) as error:
        raise ModuleFailsError(told(error)) from None


def _params(spare: Specimen) -> Params:
    named = spare.twin()
    try:
        found = tables(named.module, named)
    except Exception:
        found = tables(named.module, lambda: None)  # Those that their names tell.
    probed = spare.twin()
    return summed(spare.module, found, unreachable(probed.module, probed))


def _asked(spare: Specimen) -> Answer:
    traced = OfTensors(spare.twin())
    return ask_fvcore(traced, traced.tensors)


def _seen_whole(spare: Specimen) -> list[OpRow]:
    for mode in (plain_whole, plain, canonical_with_gradients):
        again = spare.twin()
        with suppress(Exception):
            return operators(again.module, again.run, {}, mode)
    return []
