"""The commands of `python -m emtm`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from emtm import __version__
from emtm.errors import UserError

app = typer.Typer(
    name="emtm",
    help="Temporal sentence grounding: train, evaluate and use EMTM and the baseline models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
F = TypeVar("F", bound=Callable[..., Any])

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Dataset name; see `python -m emtm datasets`.")]
RootOption = Annotated[Path | None, typer.Option(help="Folder of a real dataset's annotation files.")]
FeaturesOption = Annotated[
    str | None,
    typer.Option(help="Feature store of a real dataset: folder of .npy/.npz or HDF5 file; or 'embedded'."),
]
GloveOption = Annotated[Path | None, typer.Option(help="Word vectors (.npz with `words`, `vectors`).")]
DeviceOption = Annotated[str, typer.Option(help="cpu or cuda.")]


def command(example: str) -> Callable[[F], F]:
    """Register a command whose user errors end in one sentence on stderr and exit code 2."""

    def register(function: F) -> F:
        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except UserError as error:
                print(f"error: {error}", file=sys.stderr)
                raise typer.Exit(2) from None

        app.command(epilog=f"Example: {example}")(guarded)
        return function

    return register


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
        _print_json(rows)
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
            _print_json(rows)
        else:
            table = Table(*(rows[0].keys()))
            for row in rows:
                table.add_row(*(str(v) for v in row.values()))
            Console().print(table)
        return
    dataset = open_source(_source(name, root, features, glove))
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
        _print_json(report)
        return
    for key in ("dataset", "synthetic", "queries", "videos", "feature_dim"):
        print(f"{key}: {report[key]}")
    for note in dataset.notes:
        print(f"note: {note}")
    table = Table("floor (no grounding needed)", "R1@0.3", "R1@0.5", "R1@0.7", "mIoU")
    for floor, figures in floors.items():
        table.add_row(floor, *(f"{figures['r1'][m]:.1f}" for m in ("0.3", "0.5", "0.7")), f"{figures['miou']:.1f}")
    Console().print(table)


@command("python -m emtm train emtm-student --dataset smoke --out runs/student")
def train(
    model: Annotated[str, typer.Argument(help="Model name; see `python -m emtm models`.")],
    dataset: DatasetOption,
    out: Annotated[Path, typer.Option(help="Run directory to create.")],
    preset: Annotated[
        str | None,
        typer.Option(help="paper, compact, or a preset's own name [default: compact on embedded data]"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a model or training setting."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, order and dropout.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    root: RootOption = None,
    features: FeaturesOption = None,
    glove: GloveOption = None,
    device: DeviceOption = "cpu",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads [default: all cores]")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a model; keep its best validation epoch and score that once on the test split."""
    import dataclasses

    from emtm.data.datasets import describe
    from emtm.registry import override
    from emtm.registry import preset as find_preset
    from emtm.training.loop import train as run
    from emtm.training.runs import RunSpec

    synthetic = bool(describe(dataset)["synthetic"])
    which = preset or ("compact" if synthetic else "paper")
    chosen = find_preset(model, dataset, which)
    recipe_keys = {f.name for f in dataclasses.fields(chosen.recipe)}
    of_recipe = [s for s in settings or [] if s.partition("=")[0] in recipe_keys]
    of_model = [s for s in settings or [] if s not in of_recipe]
    spec = RunSpec(
        model=model,
        preset=which,
        config=override(chosen.config, of_model),
        recipe=override(chosen.recipe, of_recipe),
        data=_source(dataset, root, features, glove),
        seed=seed,
    )
    _check_device(device)
    if threads:
        torch.set_num_threads(threads)
    metrics = run(spec, out, resume=resume, device=device)
    if as_json:
        _print_json(metrics)
    else:
        _print_scores(metrics)
        print(f"run directory: {out}")


@command("python -m emtm evaluate runs/student --protocol index")
def evaluate(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    split: Annotated[str, typer.Option(help="train, val or test.")] = "test",
    protocol: Annotated[
        str, typer.Option(help="timestamp: annotated seconds; index: truth rounded to the model's clips.")
    ] = "timestamp",
    device: DeviceOption = "cpu",
    table: Annotated[bool, typer.Option("--table", help="Print a table instead of JSON.")] = False,
) -> None:
    """Score a trained model; prints JSON."""
    from emtm.training.evaluation import evaluate_run

    if protocol not in ("timestamp", "index"):
        raise UserError(f"protocol is 'timestamp' or 'index', not '{protocol}'")
    _check_device(device)
    with _progress("queries") as advance:
        result = evaluate_run(run, split, protocol, device=device, progress=advance)  # type: ignore[arg-type]
    _print_scores(result.to_json()) if table else _print_json(result.to_json())


@command("python -m emtm predict runs/student --video v1.npy --duration 18 --query 'a person opens the door'")
def predict(
    run: Annotated[Path, typer.Argument(help="Run directory.")],
    video: Annotated[Path, typer.Option(help="Feature rows of one video, .npy or .npz, [rows, dim].")],
    query: Annotated[list[str], typer.Option(help="Sentence to ground; may be given several times.")],
    duration: Annotated[float, typer.Option(help="Length of the video in seconds.")],
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Moments a query.")] = 5,
) -> None:
    """Ground sentences in one video's features; prints JSON with [start s, end s, score]."""
    from emtm.training.inference import ground_queries

    _print_json(ground_queries(run, video, query, duration, top_k))


@command("python -m emtm parity fixtures/")
def parity(
    paths: Annotated[list[Path], typer.Argument(help="Fixture files, or folders of them.")],
    as_json: JsonFlag = False,
) -> None:
    """Run our models on reference fixtures; exit 1 if an output deviates or a fixture is unknown."""
    from emtm.parity.fixture import check_fixture, find_fixtures

    rows = [row for path in find_fixtures(paths) for row in check_fixture(path)]
    if as_json:
        _print_json([row.to_json() for row in rows])
    else:
        table = Table("fixture", "model", "output", "largest deviation", "ok")
        for row in rows:
            deviation = "-" if row.max_abs is None else f"{row.max_abs:.1e}"
            table.add_row(row.fixture, row.model, row.output, deviation, "yes" if row.ok else "NO")
        Console().print(table)
        print(f"{sum(row.ok for row in rows)} of {len(rows)} outputs agree")
    if not all(row.ok for row in rows):
        raise typer.Exit(1)


def _version(value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Temporal sentence grounding: train, evaluate and use EMTM and the baseline models."""


def _source(name: str, root: Path | None, features: str | None, glove: Path | None) -> Any:
    from emtm.training.runs import DataSource

    resolve = [str(p.resolve()) if p else None for p in (root, glove)]
    if features not in (None, "embedded"):
        features = str(Path(str(features)).resolve())
    return replace(DataSource(name), root=resolve[0], features=features, glove=resolve[1])


def _check_device(device: str) -> None:
    if device.split(":")[0] not in ("cpu", "cuda"):
        raise UserError(f"device is 'cpu' or 'cuda', not '{device}'")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise UserError("no CUDA device is available; use --device cpu")


def _progress(unit: str) -> Any:
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


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, allow_nan=False))


def _print_scores(metrics: dict[str, Any]) -> None:
    from emtm.metrics.floors import best_r1

    title = f"{metrics['model']} on {metrics['dataset']} ({'synthetic, ' if metrics['synthetic'] else ''}"
    title += f"{metrics['split']}, {metrics['queries']} queries, protocol {metrics['protocol']})"
    table = Table("", "R1@0.3", "R1@0.5", "R1@0.7", "mIoU", title=title)
    for label, row in {"model": metrics, **metrics["floors"]}.items():
        figures = [f"{row['r1'][m]:.1f}" for m in ("0.3", "0.5", "0.7")]
        table.add_row(label if label == "model" else f"floor: {label}", *figures, f"{row['miou']:.1f}")
    Console().print(table)
    gain = metrics["r1"]["0.5"] - best_r1(metrics["floors"], 0.5)
    low, high = metrics["ci95"]["r1"]["0.5"]
    print(f"R1@0.5 {metrics['r1']['0.5']:.1f} (95 % CI {low:.1f}-{high:.1f}), {gain:+.1f} over the best floor")
