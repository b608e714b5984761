"""The application object, and what several commands share.

A command imports what it needs when it runs, so that a help text is printed without torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from emtm import __version__
from emtm.cli.boundary import Commands
from emtm.errors import ExitCode, UserError
from emtm.metrics.metric import HEADLINE, METRICS, Metric

if TYPE_CHECKING:
    from emtm.training.runs import DataSource

app = typer.Typer(
    name="emtm",
    cls=Commands,
    help="Temporal sentence grounding: train, evaluate and use EMTM and the baseline models.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
FIGURES = tuple(metric.title for metric in METRICS)
F = TypeVar("F", bound=Callable[..., Any])

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Dataset name; see `python -m emtm datasets`.")]
RootOption = Annotated[Path | None, typer.Option(help="Folder of a real dataset's annotation files.")]
FeaturesOption = Annotated[
    str | None,
    typer.Option(
        help="Feature store of a real dataset: folder of .npy/.npz or HDF5 file, several with commas; or 'embedded'."
    ),
]
GloveOption = Annotated[
    Path | None,
    typer.Option(
        help="Word vectors: GloVe .txt, .npz with `words` and `vectors`, or glove-6b-50d, spacy-md-300d of the extras."
    ),
]
DeviceOption = Annotated[str, typer.Option(help="cpu or cuda.")]
ThreadsOption = Annotated[int | None, typer.Option(min=1, help="CPU threads [default: all cores]")]


def command(example: str) -> Callable[[F], F]:
    """Register a command."""
    return app.command(epilog=f"Example: {example}")


def _version(value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Temporal sentence grounding: train, evaluate and use EMTM and the baseline models."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


def source(name: str, root: Path | None, features: str | None, glove: Path | None) -> DataSource:
    """Data source with absolute paths, so that a run can be read from any folder."""
    from emtm.data.features import split_paths
    from emtm.training.runs import DataSource

    resolve = [str(p.resolve()) if p else None for p in (root, glove)]
    if features not in (None, "embedded"):
        features = ",".join(str(path.resolve()) for path in split_paths(str(features)))
    return replace(DataSource(name), root=resolve[0], features=features, glove=resolve[1])


def check_device(device: str) -> None:
    """Raises UserError for a device that is not there."""
    if device.split(":")[0] not in ("cpu", "cuda"):
        raise UserError(f"device is 'cpu' or 'cuda', not '{device}'")
    if device.startswith("cuda"):
        import torch

        if not torch.cuda.is_available():
            raise UserError("no CUDA device is available; use --device cpu")


def use_threads(threads: int | None) -> None:
    """Compute on so many CPU threads; None leaves the choice to torch."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


def progress(unit: str) -> Any:
    """Context whose value advances a progress bar on stderr."""
    if not sys.stderr.isatty():
        return nullcontext(lambda done: None)

    class Bar:
        def __enter__(self) -> Callable[[int], None]:
            self.progress = Progress(console=Console(stderr=True), transient=True)
            self.progress.start()
            task = self.progress.add_task(unit, total=None)
            return lambda done: self.progress.advance(task, done)

        def __exit__(self, *_: object) -> None:
            self.progress.stop()

    return Bar()


def say_floor(name: str) -> None:
    """Tell somebody who watches which floor is being computed."""
    if sys.stderr.isatty():
        print(f"computing the floor {name}", file=sys.stderr)


def print_json(value: Any) -> None:
    """JSON on stdout."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_scores(metrics: dict[str, Any]) -> None:
    """Accuracy beside the floors, and apart from both what was published, as tables on stdout."""
    title = f"{metrics['model']} on {metrics['dataset']} ({'synthetic, ' if metrics['synthetic'] else ''}"
    title += f"{metrics['split']}, {metrics['queries']} queries, protocol {metrics['protocol']})"
    table = Table("", *FIGURES, title=title)
    table.add_row("model", *figures(metrics))
    for name, floor in metrics["floors"].items():
        table.add_row(f"floor: {name}", *figures(floor))
    Console().print(table)
    print_gain(metrics)
    for note in metrics.get("notes", ()):
        print(f"note: {note}")
    print_published(metrics["dataset"])


def figures(scores: Mapping[str, Any]) -> list[str]:
    """All metrics, under the headers `FIGURES`."""
    return [figure(scores, metric) for metric in METRICS]


def figure(scores: Mapping[str, Any], metric: Metric) -> str:
    """One metric; `-` where the scores lack it."""
    value = metric.read(scores)
    return "-" if value is None else f"{value:.1f}"


def print_gain(scores: dict[str, Any]) -> None:
    """The headline metric with its interval and its distance from the best floor."""
    from emtm.metrics.floors import best_floor

    line = f"{HEADLINE.title} {figure(scores, HEADLINE)}"
    interval, reached = HEADLINE.at(scores["ci95"]["r1"]) if scores["ci95"] else None, HEADLINE.read(scores)
    if interval is not None:
        line += f" (95 % CI {interval[0]:.1f}-{interval[1]:.1f}, videos resampled)"
    if scores["floors"] and reached is not None:
        line += f", {reached - best_floor(scores['floors'], HEADLINE):+.1f} over the best floor"
    print(line + (f"; {scores['floors_reason']}" if "floors_reason" in scores else ""))


def print_published(dataset: str) -> None:
    """What others published on the dataset, each figure marked; nothing where it is synthetic."""
    from emtm.metrics.published import LEGEND, published

    entries = published(dataset)
    if not entries:
        return
    table = Table("model", "tested on", "features", *FIGURES, "source", title="Published, not measured here")
    for entry in entries:
        name = f"{entry.model} ({entry.note})" if entry.note else entry.model
        table.add_row(name, entry.split, entry.features, *entry.cells(), entry.source)
    Console().print(table)
    print(LEGEND)
