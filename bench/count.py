"""`python -m bench.count`: exact multiply-adds and parameters of a model or of any module."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import nn

from bench.cases import paper_shape, text_of
from bench.codec import encode
from bench.missing import Json, Missing, known, told
from bench.record import Compute, Crosscheck, Params, TrainingCompute
from bench.specimen import Specimen
from bench.static import ModuleFailsError, Parts, Static, analyse_config, analyse_module
from bench.subjects import Shape
from bench.training_step import step_of_model, step_of_module
from emtm.cli.boundary import OneCommand
from emtm.contract import ModelConfig
from emtm.errors import UserError
from emtm.registry import override, preset

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_EXAMPLE = (
    "Example: python -m bench.count --model vslnet --dataset charades-sta --clips 61 --json"
    " (or: python -m bench.count mypackage.models:factory)"
)


@app.command(cls=OneCommand, epilog=_EXAMPLE)
def main(
    factory: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODULE:FACTORY]",
            help="Function that returns a module and a tuple of example inputs, a dictionary of them by name, or both.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Registered model; see `python -m emtm models`.")] = None,
    dataset: Annotated[str, typer.Option(help="Whose sizes to use.")] = "charades-sta",
    clips: Annotated[
        int | None, typer.Option(min=1, help="Feature rows; the configuration's maximum by default.")
    ] = None,
    words: Annotated[int | None, typer.Option(min=1, help="Words of the query.")] = None,
    chars: Annotated[int | None, typer.Option(min=4, help="Characters of each word.")] = None,
    official: Annotated[
        bool, typer.Option("--official", help="Count published inference, its waste included.")
    ] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the configuration.")
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="Count a training step too: forward, backward and update.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Exact parameters and multiply-adds, by stage, with fvcore's answer beside them.

    More clips or words than the configuration takes enlarge the configuration to fit.
    """
    if (factory is None) == (model is None):
        raise UserError("give either MODULE:FACTORY or --model NAME")
    counts: Static | Parts
    step: TrainingCompute | Missing | None = None
    if factory is not None:
        counts = count_module(factory)
        step = step_of_module(Specimen(*load_factory(factory))) if training else None
    else:
        changes = [*(settings or []), *(["official=true"] if official else [])]
        counts = count_model(str(model), dataset, clips, words, chars, changes)
        step = count_step_of(str(model), dataset, clips, words, chars, changes) if training else None
    print(json.dumps(document(counts, step), indent=2, allow_nan=False) if as_json else table(counts, step))


def document(counts: Static | Parts, step: TrainingCompute | Missing | None = None) -> dict[str, Json]:
    """The counts as JSON; what is missing is null with its reason beside it."""
    compute: dict[str, Json]
    if isinstance(counts.compute, Missing):
        names = ("macs", "flops", "by_stage", "coverage")
        compute = {key: value for name in names for key, value in _null(name, counts.compute).items()}
        compute["crosscheck"] = encode(counts.crosscheck)
    else:
        compute = encode(counts.compute) | {"crosscheck": encode(counts.crosscheck)}
    found: dict[str, Json] = {"params": encode(counts.params), "compute": compute}
    if step is None:
        return found
    return found | (_null("training", step) if isinstance(step, Missing) else {"training": encode(step)})


def _null(name: str, missing: Missing) -> dict[str, Json]:
    return {name: None, f"{name}_reason": missing.reason}


def count_model(
    name: str, dataset: str, clips: int | None, words: int | None, chars: int | None, settings: list[str]
) -> Static:
    """Counts of a registered model; sizes left out are those of the paper's workload."""
    config, shape = _sized(name, dataset, clips, words, chars, settings)
    try:
        return analyse_config(name, config, shape)
    except ValueError as error:
        raise UserError(f"{name} cannot be counted at these sizes: {error}") from None


def count_step_of(
    name: str, dataset: str, clips: int | None, words: int | None, chars: int | None, settings: list[str]
) -> TrainingCompute:
    """Counts of a registered model's training step on one query, at the sizes of `count_model`."""
    config, shape = _sized(name, dataset, clips, words, chars, settings)
    try:
        return step_of_model(name, dataset, config, shape)
    except ValueError as error:
        raise UserError(f"{name} cannot be trained at these sizes: {error}") from None


def _sized(
    name: str, dataset: str, clips: int | None, words: int | None, chars: int | None, settings: list[str]
) -> tuple[ModelConfig, Shape]:
    config = override(preset(name, dataset).config, settings)
    text = text_of(dataset)
    config = dataclasses.replace(
        config, max_clips=max(clips or 0, config.max_clips), max_words=max(words or 0, config.max_words)
    )
    shape = dataclasses.replace(
        paper_shape(dataset, config),
        num_clips=clips or config.max_clips,
        num_words=words or min(text.num_words, config.max_words),
        num_chars=chars or text.num_chars,
    )
    return config, shape


def count_module(spec: str) -> Parts:
    """Counts of what `MODULE:FACTORY` makes; raises UserError when it does not take its inputs."""
    module, inputs, keywords = load_factory(spec)
    try:
        return analyse_module(module, inputs, keywords)
    except ModuleFailsError as error:
        raise UserError(f"the module of {spec} fails on its example inputs: {error}") from None
    except Exception as error:
        raise UserError(f"{spec} cannot be counted: {told(error)}") from None


def load_factory(spec: str) -> tuple[nn.Module, tuple[object, ...], dict[str, object]]:
    """Calls `MODULE:FACTORY`: a module, its inputs, and those by name.

    Raises UserError when it is not there or returns something else.
    """
    module_name, _, attribute = spec.partition(":")
    if not module_name or not attribute:
        raise UserError(f"'{spec}' is not of the form MODULE:FACTORY")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        factory = getattr(importlib.import_module(module_name), attribute)
    except (Exception, SystemExit) as error:
        if isinstance(error, AttributeError) and module_name in sys.modules:
            raise UserError(f"'{module_name}' has no '{attribute}'") from None
        raise UserError(f"cannot import '{module_name}': {told(error)}") from None
    try:
        torch.manual_seed(0)
        made = factory()
    except (Exception, SystemExit) as error:
        raise UserError(f"{spec} failed: {told(error)}") from None
    return _taken_apart(spec, made)


def _taken_apart(spec: str, made: object) -> tuple[nn.Module, tuple[object, ...], dict[str, object]]:
    """(module, inputs), (module, keywords) or (module, inputs, keywords)."""
    if not isinstance(made, tuple) or len(made) not in (2, 3):
        raise UserError(f"{spec} must return a module and a tuple of example inputs")
    module, inputs, keywords = made if len(made) == 3 else (*made, {})
    if isinstance(module, torch.export.ExportedProgram):
        module = module.module()
    if not isinstance(module, nn.Module):
        raise UserError(f"{spec} must return a module and a tuple of example inputs")
    if not (isinstance(keywords, dict) and all(isinstance(name, str) for name in keywords)):
        raise UserError(f"{spec} must return its example inputs by name as a dictionary")
    if len(made) == 2 and isinstance(inputs, dict) and _by_name(module, inputs):
        return module, (), inputs
    return module, inputs if isinstance(inputs, tuple) else (inputs,), keywords


def _by_name(module: nn.Module, inputs: dict[object, object]) -> bool:
    """Are the keys names of what the module takes? Otherwise the dictionary itself is its input."""
    try:
        parameters = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return False
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needed = {p.name for p in named if p.default is p.empty}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters) and not any(
        p.kind is p.VAR_POSITIONAL for p in parameters
    )
    known_names = {p.name for p in named}
    return bool(inputs) and needed <= set(inputs) and (set(inputs) <= known_names or (takes_any and not known_names))


def table(counts: Static | Parts, step: TrainingCompute | Missing | None = None) -> str:
    """The counts as aligned lines."""
    lines = _params_lines(counts.params)
    compute = counts.compute
    lines += [("MACs", compute.reason)] if isinstance(compute, Missing) else _compute_lines(compute)
    lines += _crosscheck_lines(counts.crosscheck)
    if step is not None:
        lines += [("training step", step.reason)] if isinstance(step, Missing) else _step_lines(step)
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def _params_lines(params: Params) -> list[tuple[str, str]]:
    names = ("total", "trainable", "frozen", "embedding", "buffers", "bytes", "unreachable")
    return [(f"params {name}", _count(getattr(params, name))) for name in names]


def _compute_lines(compute: Compute) -> list[tuple[str, str]]:
    lines = [("MACs", f"{compute.macs:,}"), ("FLOPs", f"{compute.flops:,} ({compute.convention})")]
    lines += [(f"  {stage}", f"{cost.macs:,}") for stage, cost in compute.by_stage.items()]
    if compute.query_independent_macs:
        lines.append(("MACs once a video", _count(compute.query_independent_macs)))
    lines += [("FLOPs of norms", _count(compute.flops_norm)), ("FLOPs elementwise", _count(compute.flops_elementwise))]
    coverage = compute.coverage
    lines += [("coverage", f"{coverage.covered_pct:.1f} % of {known(coverage.calls_total)} operator calls")]
    return lines + [(f"  uncounted {op.op}", f"{op.calls} calls") for op in coverage.ops_uncounted]


def _step_lines(step: TrainingCompute) -> list[tuple[str, str]]:
    lines = [
        ("training step: forward", f"{step.forward_macs:,} MACs, {_count(step.forward_flops_other)} other FLOPs"),
        ("  backward", f"{step.backward_macs:,} MACs, {_count(step.backward_flops_other)} other FLOPs"),
        ("  update", f"{step.update_flops:,} FLOPs"),
        ("  coverage", f"{step.coverage.covered_pct:.1f} % of {known(step.coverage.calls_total)} operator calls"),
    ]
    return lines + [(f"  uncounted {op.op}", f"{op.calls} calls") for op in step.coverage.ops_uncounted]


def _crosscheck_lines(answer: Crosscheck) -> list[tuple[str, str]]:
    """fvcore's total, and every part of the difference, with the reason or as unexplained."""
    seen = answer.fvcore_macs
    if isinstance(seen, Missing):
        return [("fvcore", seen.reason)]
    unseen = known(answer.explained_macs) or {}
    lines = [("fvcore's “FLOPs”", f"{seen:,}")]
    lines += [(f"  unseen by it: {op}", f"{unseen[op]:,}") for op in answer.explained_by]
    if norms := known(answer.fvcore_norm_flops):
        lines.append(("  FLOPs of norms in it", f"{norms:,}"))
    if rest := known(answer.unexplained_macs):
        lines.append(("  unexplained", f"{rest:+,} MACs that the exact count has and fvcore has not"))
    return lines


def _count(value: int | Missing) -> str:
    return value.reason if isinstance(value, Missing) else f"{value:,}"


if __name__ == "__main__":
    app()
