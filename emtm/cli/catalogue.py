"""What there is: `models` and `datasets`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from emtm.cli.app import FeaturesOption, GloveOption, JsonFlag, RootOption, TitleOption, command, source
from emtm.cli.output import FIGURES, figures, print_json, print_table, say_floor


@command("python -m emtm models")
def models(as_json: JsonFlag = False) -> None:
    """List the models with their origin, licence and size at each preset; one that is broken is named."""
    from emtm.cli.cards import NUM_CHARS, cards
    from emtm.registry import left_out

    found, faults = cards()
    for fault in (*faults.values(), *(f"model {title} is left out: {why}" for title, why in left_out().items())):
        print(f"warning: {fault}", file=sys.stderr)
    if as_json:
        print_json([asdict(card) for card in found])
        return
    rows = []
    for card in found:
        sizes = "\n".join(f"{preset}: {size:,}" for preset, size in card.trainable_parameters.items())
        rows.append((card.name, card.role, card.paper, card.reference_code, card.reference_licence, sizes))
    print_table(("model", "role", "paper", "reference code", "its licence", "preset: trainable parameters"), rows)
    print(f"Sizes assume {NUM_CHARS} characters; word vectors are frozen and not counted.")


@command("python -m emtm datasets smoke")
def datasets(
    name: Annotated[str | None, typer.Argument(help="Dataset to report on, with its floors.")] = None,
    root: RootOption = None,
    features: FeaturesOption = None,
    glove: GloveOption = None,
    title: TitleOption = None,
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
                    if row[key]:
                        print(f"  {key}: {_listed(row[key])}")
        return
    report: dict[str, Any]
    if features is None and glove is None and root is not None:
        shown = source(name, root, None, None, title).shown
        annotations = open_queries(name, root)
        splits, notes = annotations.splits, annotations.notes
        report = {"dataset": shown, "synthetic": False}
        floors = cached_sightless_floors(splits["train"], splits["test"], say_floor)
        notes = (*notes, "the video-only floor needs --features and --glove")
    else:
        dataset = open_source(source(name, root, features, glove, title))
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
    print_table(("floor (no grounding needed)", *FIGURES), [(name, *figures(floor)) for name, floor in floors.items()])


def _listed(value: Any) -> str:
    """Sizes by split, or anything else, as text."""
    return ", ".join(f"{k} {v:,}" for k, v in value.items()) if isinstance(value, dict) else str(value)
