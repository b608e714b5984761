"""What there is: `models` and `datasets`."""

from __future__ import annotations

from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table

from emtm.cli.app import (
    FeaturesOption,
    GloveOption,
    JsonFlag,
    RootOption,
    command,
    print_json,
    source,
)


@command("python -m emtm models")
def models(as_json: JsonFlag = False) -> None:
    """List the models with their origin, licence and size at each preset."""
    from emtm.contract import Lexicon
    from emtm.registry import model_class, model_names

    rows: list[dict[str, Any]] = []
    for name in model_names():
        kind = model_class(name)
        sizes = {}
        for key, preset in kind.presets.items():
            lexicon = Lexicon(torch.zeros(1, preset.config.word_dim), 36)
            with torch.device("meta"):
                model = kind(preset.config, lexicon)
            sizes[key] = sum(p.numel() for p in model.parameters())
        info = kind.info
        rows.append(
            {
                "name": name,
                "role": info.role,
                "paper": info.paper,
                "reference_code": info.reference_code,
                "reference_licence": info.reference_licence,
                "trainable_parameters": sizes,
            }
        )
    if as_json:
        print_json(rows)
        return
    table = Table("model", "role", "paper", "reference code", "its licence", "preset: trainable parameters")
    for row in rows:
        sizes_text = "\n".join(f"{k}: {v:,}" for k, v in row["trainable_parameters"].items())
        table.add_row(*(row[k] for k in list(row)[:5]), sizes_text)
    Console().print(table)
    print("Sizes assume 36 characters; word vectors are frozen and not counted.")


@command("python -m emtm datasets smoke")
def datasets(
    name: Annotated[str | None, typer.Argument(help="Dataset to report on, with its floors.")] = None,
    root: RootOption = None,
    features: FeaturesOption = None,
    glove: GloveOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List the datasets, or report on one: sizes, policies, and what a model must beat."""
    from emtm.data.datasets import dataset_names, describe
    from emtm.metrics.floors import cached_floors
    from emtm.training.evaluation import open_source

    if name is None:
        rows = [describe(n) for n in dataset_names()]
        if as_json:
            print_json(rows)
        else:
            table = Table(*(rows[0].keys()))
            for row in rows:
                table.add_row(*(str(v) for v in row.values()))
            Console().print(table)
        return
    dataset = open_source(source(name, root, features, glove))
    floors = cached_floors(dataset, "test")
    report = {
        "dataset": dataset.name,
        "synthetic": dataset.synthetic,
        "queries": {split: len(queries) for split, queries in dataset.splits.items()},
        "videos": {s: len({q.video_id for q in queries}) for s, queries in dataset.splits.items()},
        "feature_dim": dataset.features.dim,
        "notes": list(dataset.notes),
        "floors": floors,
    }
    if as_json:
        print_json(report)
        return
    for key in ("dataset", "synthetic", "queries", "videos", "feature_dim"):
        print(f"{key}: {report[key]}")
    for note in dataset.notes:
        print(f"note: {note}")
    table = Table("floor (no grounding needed)", "R1@0.3", "R1@0.5", "R1@0.7", "mIoU")
    for floor, figures in floors.items():
        table.add_row(floor, *(f"{figures['r1'][m]:.1f}" for m in ("0.3", "0.5", "0.7")), f"{figures['miou']:.1f}")
    Console().print(table)
