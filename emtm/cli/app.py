"""The application object, and what several commands share.

A command imports what it needs when it runs, so that a help text is printed without torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from emtm import __version__
from emtm.cli.boundary import DEBUG, Commands
from emtm.config import MAX_SEED
from emtm.errors import ExitCode, UserError

if TYPE_CHECKING:
    from emtm.training.spec import DataSource

app = typer.Typer(
    name="emtm",
    cls=Commands,
    help="Temporal sentence grounding: train, evaluate and use EMTM and the baseline models.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
F = TypeVar("F", bound=Callable[..., Any])

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DatasetOption = Annotated[
    str, typer.Option("--dataset", help="Dataset name; see `python -m emtm datasets`, or custom for your own.")
]
RootOption = Annotated[Path | None, typer.Option(help="Folder of a real dataset's annotation files.")]
FeaturesOption = Annotated[
    str | None,
    typer.Option(
        help="Feature store of a real dataset: folder of .npy/.npz or HDF5 file, several with commas; or 'embedded'."
    ),
]
ClipOption = Annotated[
    str | None,
    typer.Option(
        "--clip-s",
        metavar="SECONDS",
        help="What a feature row stands for: seconds (0.5), or a range (0.2-0.7) [default: as the rows themselves say]",
    ),
]
GloveOption = Annotated[
    Path | None,
    typer.Option(
        help="Word vectors: GloVe .txt, .npz with `words` and `vectors`, or glove-6b-50d, spacy-md-300d of the extras."
    ),
]
TitleOption = Annotated[
    str | None,
    typer.Option("--name", help="What tables call the data of --dataset custom [default: the name of its folder]"),
]
DeviceOption = Annotated[str, typer.Option(help="cpu or cuda.")]
MAX_THREADS = 1024
"""OpenMP ends the process where it cannot start as many as it is told to."""
ThreadsOption = Annotated[int | None, typer.Option(min=1, max=MAX_THREADS, help="CPU threads [default: all cores]")]
SeedOption = Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of weights, order and dropout.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a model or training setting.")
]
AnnotatedOption = Annotated[
    str | None,
    typer.Option(
        "--annotated",
        metavar="SHARE|FILE",
        help="Annotated part of train and val: a share of the videos (0.25), or a file of video or query ids; "
        "the other moments are never looked at.",
    ),
]
DrawOption = Annotated[
    int | None, typer.Option("--draw", min=0, max=MAX_SEED, help="Which videos a share of --annotated is [default: 0]")
]
UnlabelledOption = Annotated[
    Path | None,
    typer.Option(
        "--unlabelled",
        help="Pairs of video and sentence without a moment (.jsonl), which teachers give one; see docs/few-labels.md.",
    ),
]

FoldOption = Annotated[
    str | None,
    typer.Option(
        "--fold",
        metavar="K/N",
        help="Train and test on fold K of N, by video, of what has features, instead of the dataset's own splits.",
    ),
]


def given_path(text: str) -> Path:
    """A path that says something: an empty one is the current folder to Python, and nobody means that."""
    if not text.strip():
        raise typer.BadParameter("it is empty")
    return Path(text)


def out_option(text: str) -> Any:
    """Where a command writes."""
    return typer.Option("--out", help=text, parser=given_path, metavar="PATH")


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
    debug: Annotated[bool, typer.Option(DEBUG, help="Show the traceback of an error; may stand anywhere.")] = False,
) -> None:
    """Temporal sentence grounding: train, evaluate and use EMTM and the baseline models."""
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(ExitCode.USAGE)


def own_name(dataset: str, title: str | None) -> str | None:
    """The name that was given; raises UserError where the dataset has one already."""
    from emtm.data.own import CUSTOM

    if title is not None and dataset != CUSTOM:
        raise UserError(f"--name is for --dataset {CUSTOM}: {dataset} has a name")
    return title


def source(
    name: str,
    root: Path | None,
    features: str | None,
    glove: Path | None,
    title: str | None = None,
    annotated: str | None = None,
    draw: int | None = None,
    clip_s: str | None = None,
    fold: str | None = None,
    unlabelled: Path | None = None,
) -> DataSource:
    """Data source with absolute paths, so that a run can be read from any folder."""
    from emtm.data.annotated import read_annotated
    from emtm.data.clocks import Stated
    from emtm.data.datasets import pin_fold
    from emtm.data.features import split_paths
    from emtm.data.folds import read_fold
    from emtm.data.own import CUSTOM, own_title
    from emtm.data.unlabelled import pin_unlabelled
    from emtm.training.spec import DataSource

    resolve = [str(p.resolve()) if p else None for p in (root, glove)]
    if features is not None and features != "embedded":
        paths = split_paths(features)
        if not features.strip() or not paths:
            raise UserError("--features is empty")
        features = ",".join(str(path.resolve()) for path in paths)
    part = None if annotated is None else read_annotated(annotated, draw or 0)
    if draw is not None and (part is None or part.share is None):
        raise UserError("--draw chooses the videos of a share: give --annotated SHARE too")
    title = own_name(name, title)
    if name == CUSTOM and root is not None:
        title = own_title(title, root)
    pinned = None if fold is None else pin_fold(*read_fold(fold), name, root, features, glove)
    return replace(
        DataSource(name),
        root=resolve[0],
        features=features,
        glove=resolve[1],
        title=title,
        annotated=part,
        clip_s=None if clip_s is None else str(Stated.read(clip_s)),
        fold=pinned,
        unlabelled=None if unlabelled is None else pin_unlabelled(unlabelled),
    )


def check_device(device: str) -> None:
    """Raises UserError for a device that is not there."""
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (device != kind and (kind == "cpu" or not number.isdecimal())):
        raise UserError(f"device is 'cpu', 'cuda' or 'cuda:NUMBER', not '{device}'")
    if kind == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise UserError("no CUDA device is available; use --device cpu")
        if int(number or 0) >= torch.cuda.device_count():
            raise UserError(f"there are {torch.cuda.device_count()} CUDA devices, and no number {number}")


def compute(threads: int | None = None) -> None:
    """Settles how this process computes on the CPU, with so many threads; None leaves the number to torch."""
    from emtm.processor import compute_at_best

    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    compute_at_best()
