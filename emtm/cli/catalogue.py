"""What there is: `models` and `datasets`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from emtm.cli.app import (
    FIGURES,
    FeaturesOption,
    GloveOption,
    JsonFlag,
    RootOption,
    command,
    figures,
    print_json,
    say_floor,
    source,
)


@command("python -m emtm models")
def models(as_json: JsonFlag = False) -> None:
    """List the models with their origin, licence and size at each preset."""
    import torch

    from emtm.data.text import Lexicon
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
    """List the datasets, or report on one: sizes, policies, and what a model must beat.

    A real dataset needs only --root; with --features and --glove the video-only floor is computed too.
    """
    from emtm.data.datasets import dataset_names, describe, open_queries
    from emtm.metrics.floors import cached_floors, cached_sightless_floors
    from emtm.training.evaluation import open_source

    if name is None:
        rows = [describe(n) for n in dataset_names()]
        if as_json:
            print_json(rows)
        else:
            for row in rows:
                print(f"{row['name']} ({'synthetic' if row['synthetic'] else 'real video'})")
                for key in ("queries", "embedded", "files", "source", "licence"):
                    print(f"  {key}: {_listed(row[key])}")
        return
    report: dict[str, Any]
    if features is None and glove is None and root is not None:
        annotations = open_queries(name, root)
        splits, notes = annotations.splits, annotations.notes
        report = {"dataset": name, "synthetic": False}
        floors = cached_sightless_floors(splits["train"], splits["test"], say_floor)
        notes = (*notes, "the video-only floor needs --features and --glove")
    else:
        dataset = open_source(source(name, root, features, glove))
        splits, notes = dict(dataset.splits), dataset.notes
        width = dataset.features.dim
        report = {"dataset": dataset.name, "synthetic": dataset.synthetic, "feature_dim": width}
        floors = cached_floors(dataset, "test", say_floor)
    report |= {
        "queries": {split: len(queries) for split, queries in splits.items()},
        "videos": {split: len({q.video_id for q in queries}) for split, queries in splits.items()},
        "notes": list(notes),
        "floors": floors,
    }
    if as_json:
        print_json(report)
        return
    for key in ("dataset", "synthetic", "queries", "videos", "feature_dim"):
        if key in report:
            print(f"{key}: {_listed(report[key])}")
    for note in notes:
        print(f"note: {note}")
    table = Table("floor (no grounding needed)", *FIGURES)
    for floor, scores in floors.items():
        table.add_row(floor, *figures(scores))
    Console().print(table)


def _listed(value: Any) -> str:
    """Sizes by split, or anything else, as text."""
    return ", ".join(f"{k} {v:,}" for k, v in value.items()) if isinstance(value, dict) else str(value)
