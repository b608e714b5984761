"""Anybody's predictions against the annotations: `score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emtm.cli.app import DatasetOption, JsonFlag, TitleOption, command, own_name
from emtm.cli.output import FIGURES, figures, print_gain, print_json, print_published, print_table, say_floor
from emtm.data.choices import Empty, Ends, Evaluator, Missing, Protocol, Ties
from emtm.errors import UserError
from emtm.metrics.metric import ALL, METRICS

if TYPE_CHECKING:
    from emtm.metrics.conventions import Conventions
    from emtm.metrics.submission import Truth


@command("python -m emtm score predictions.jsonl --annotations charades_sta_test.txt --dataset charades-sta")
def score(
    dataset: DatasetOption,
    predictions: Annotated[
        Path | None, typer.Argument(help="One JSON object a line, ours or a Moment-DETR submission; see the README.")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option(help="Annotation file, or the folder of them; embedded datasets need none.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split [default: what the file is known to be, or test]")] = None,
    protocol: Annotated[
        Protocol | None,
        typer.Option(help="timestamp: annotated seconds (default); index: truth rounded to a grid of --clips."),
    ] = None,
    clips: Annotated[
        list[int] | None, typer.Option(min=1, help="Clips of the model's grid; several with --ceiling.")
    ] = None,
    clip_counts: Annotated[
        Path | None, typer.Option(help="JSON of feature rows by video (feature_shapes.json), for videos below --clips.")
    ] = None,
    evaluator: Annotated[
        Evaluator | None, typer.Option("--as", help="Score as a published evaluator does; options below overrule it.")
    ] = None,
    ends: Annotated[Ends | None, typer.Option(help="Moments that end beyond the video [default: clip]")] = None,
    empty: Annotated[Empty | None, typer.Option(help="Empty or inverted moments [default: drop]")] = None,
    ties: Annotated[
        Ties | None, typer.Option(help="IoU equal to a threshold: a miss, or a hit [default: inclusive]")
    ] = None,
    missing: Annotated[
        Missing | None, typer.Option(help="Queries without a prediction: count as misses, or refuse [default: refuse]")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="The same as --ties strict.")] = False,
    ceiling: Annotated[
        bool, typer.Option("--ceiling", help="Tell the best score that grids of clips allow; no predictions needed.")
    ] = False,
    title: TitleOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Score a file of predictions, beside what needs no grounding at all."""
    from emtm.metrics.conventions import choose
    from emtm.metrics.submission import load_truth, score_file

    if strict and ties == "inclusive":
        raise UserError("--strict is --ties strict: give one of them")
    ties = "strict" if strict else ties
    chosen = choose(evaluator, protocol, ends=ends, empty=empty, ties=ties, missing=missing)
    truth = load_truth(dataset, annotations, split, chosen.conventions, own_name(dataset, title))
    if ceiling:
        _ceilings(truth, clips, clip_counts, chosen.conventions, as_json)
        return
    if predictions is None:
        raise UserError("name a file of predictions, or ask for --ceiling")
    if clips and len(clips) > 1:
        raise UserError("predictions are scored on one grid: give --clips once")
    report = score_file(
        predictions,
        truth,
        chosen,
        clips=clips[0] if clips else None,
        clip_counts=clip_counts,
        progress=say_floor,
    )
    print_json(report) if as_json else _print(report)


def _ceilings(
    truth: Truth, grids: list[int] | None, clip_counts: Path | None, conventions: Conventions, as_json: bool
) -> None:
    from emtm.metrics.submission import ceilings

    found = ceilings(truth, grids, clip_counts, conventions)
    if as_json:
        report = {"dataset": truth.dataset, "split": truth.split, "queries": len(truth.queries)}
        print_json({**report, "ceilings": [row.to_json() for row in found], "notes": list(truth.notes)})
        return
    rows = [(str(row.clips), *figures(row.means.to_json()), f"{row.lowest_iou:.2f}") for row in found]
    print_table(("clips a video", *FIGURES, "lowest IoU"), rows, _title(truth.dataset, truth.split, found[0]))
    print("The annotated moments rounded to whole clips, scored against the annotated seconds.")


def _title(dataset: str, split: str, row: Any) -> str:
    return f"Quantisation ceiling of {dataset} ({split}, {row.means.queries:,} queries)"


def _print(report: dict[str, Any]) -> None:
    kind = "synthetic, " if report["synthetic"] else ""
    title = f"{report['predictions']} on {report['dataset']} ({kind}{report['split']}, {report['queries']:,} queries, "
    shown = ALL if report["r5"] else METRICS
    rows = [("predictions", *figures(report, shown))]
    if "ceiling" in report and report["protocol"] == "timestamp":
        rows.append((f"ceiling of {report['ceiling']['clips']} clips", *figures(report["ceiling"], shown)))
    rows += [(f"floor: {name}", *figures(floor, shown)) for name, floor in report["floors"].items()]
    headers = ("", *(metric.title for metric in shown))
    print_table(headers, rows, f"{title}protocol {report['protocol']}, {report['comparison']})")
    print_gain(report)
    groups = {f"moment {name} of the video": group for name, group in report["by_moment_length"].items()}
    groups |= {f"{name} words": group for name, group in report["by_query_length"].items()}
    rows = [(name, f"{group['queries']:,}", *figures(group)) for name, group in groups.items()]
    print_table(("queries", "number", *FIGURES), rows, "By length of the moment and of the sentence")
    for note in report["notes"]:
        print(f"note: {note}")
    print_published(report)
