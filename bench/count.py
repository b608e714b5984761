"""`python -m bench.count`: exact multiply-adds and parameters of a model or of any module."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import nn

from bench.cases import paper_shape, text_of
from bench.codec import encode
from bench.missing import Missing, known
from bench.static import Static, analyse_config, analyse_module
from emtm.errors import UserError
from emtm.registry import override, preset

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

_EXAMPLE = (
    "Example: python -m bench.count --model vslnet --dataset charades-sta --clips 61 --json"
    " (or: python -m bench.count mypackage.models:factory)"
)


@app.command(epilog=_EXAMPLE)
def main(
    factory: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODULE:FACTORY]", help="Function that returns a module and a tuple of example inputs."
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Exact parameters and multiply-adds, by stage, with fvcore's answer beside them.

    More clips or words than the configuration takes enlarge the configuration to fit.
    """
    try:
        if (factory is None) == (model is None):
            raise UserError("give either MODULE:FACTORY or --model NAME")
        if factory is not None:
            counts = count_module(factory)
        else:
            changes = [*(settings or []), *(["official=true"] if official else [])]
            counts = count_model(str(model), dataset, clips, words, chars, changes)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    document = {"params": encode(counts.params), "compute": encode(counts.compute)}
    print(json.dumps(document, indent=2, allow_nan=False) if as_json else table(counts))


def count_model(
    name: str, dataset: str, clips: int | None, words: int | None, chars: int | None, settings: list[str]
) -> Static:
    """Counts of a registered model; sizes left out are those of the paper's workload."""
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
    try:
        return analyse_config(name, config, shape)
    except ValueError as error:
        raise UserError(f"{name} cannot be counted at these sizes: {error}") from None


def count_module(spec: str) -> Static:
    """Counts of what `MODULE:FACTORY` makes; raises UserError when it does not take its inputs."""
    module, inputs = load_factory(spec)
    try:
        return analyse_module(module, inputs)
    except Exception as error:
        raise UserError(f"the module of {spec} fails on its example inputs: {type(error).__name__}: {error}") from None


def load_factory(spec: str) -> tuple[nn.Module, tuple[object, ...]]:
    """Calls `MODULE:FACTORY`; raises UserError when it is not there or returns something else."""
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
        raise UserError(f"cannot import '{module_name}': {type(error).__name__}: {error}") from None
    try:
        torch.manual_seed(0)
        made = factory()
    except (Exception, SystemExit) as error:
        raise UserError(f"{spec} failed: {type(error).__name__}: {error}") from None
    if not isinstance(made, tuple) or len(made) != 2 or not isinstance(made[0], nn.Module):
        raise UserError(f"{spec} must return a module and a tuple of example inputs")
    module, inputs = made
    return module, inputs if isinstance(inputs, tuple) else (inputs,)


def table(counts: Static) -> str:
    """The counts as aligned lines."""
    compute, answer = counts.compute, counts.crosscheck
    lines = [(f"params {key}", f"{value:,}") for key, value in encode(counts.params).items()]
    lines += [("MACs", f"{compute.macs:,}"), ("FLOPs", f"{compute.flops:,} ({compute.convention})")]
    lines += [(f"  {stage}", f"{cost.macs:,}") for stage, cost in compute.by_stage.items()]
    if compute.query_independent_macs:
        lines.append(("MACs once a video", _count(compute.query_independent_macs)))
    lines += [("FLOPs of norms", _count(compute.flops_norm)), ("FLOPs elementwise", _count(compute.flops_elementwise))]
    coverage = compute.coverage
    lines += [("coverage", f"{coverage.covered_pct:.1f} % of {known(coverage.calls_total)} operator calls")]
    lines += [(f"  uncounted {op.op}", f"{op.calls} calls") for op in coverage.ops_uncounted]
    seen = answer.fvcore_macs
    lines.append(("fvcore", seen.reason) if isinstance(seen, Missing) else ("fvcore's “FLOPs”", f"{seen:,}"))
    unseen = known(answer.explained_macs) or {}
    lines += [(f"  unseen by it: {op}", f"{unseen[op]:,}") for op in answer.explained_by]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def _count(value: int | Missing) -> str:
    return value.reason if isinstance(value, Missing) else f"{value:,}"


if __name__ == "__main__":
    app()
