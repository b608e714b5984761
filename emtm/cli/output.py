"""What commands print: tables and JSON on stdout, progress on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from emtm.files import json_text
from emtm.metrics.metric import HEADLINE, METRICS, Metric

FIGURES = tuple(metric.title for metric in METRICS)


def progress(unit: str) -> Any:
    """Context whose value advances a progress bar on stderr."""
    if not sys.stderr.isatty():
        return nullcontext(lambda done: None)

    class Bar:
        def __enter__(self) -> Callable[[int], None]:
            from rich.console import Console
            from rich.progress import Progress

            self.progress = Progress(console=Console(stderr=True), transient=True)
            self.progress.start()
            task = self.progress.add_task(unit, total=None)
            return lambda done: self.progress.advance(task, done)

        def __exit__(self, *_: object) -> None:
            self.progress.stop()

    return Bar()


@contextmanager
def resumable(out: Path, how: str) -> Iterator[None]:
    """Whoever stops what is done meanwhile is told how to go on with what is in `out`; see `emtm.cli.boundary`."""
    try:
        yield
    except KeyboardInterrupt:
        if out.exists():
            raise KeyboardInterrupt(f"{out} keeps what was done: {how}") from None
        raise


def say_floor(name: str) -> None:
    """Tell somebody who watches which floor is being computed."""
    if sys.stderr.isatty():
        print(f"computing the floor {name}", file=sys.stderr)


def print_json(value: Any) -> None:
    """JSON on stdout."""
    print(json_text(value))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """A table on stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*headers, title=title)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_scores(metrics: dict[str, Any]) -> None:
    """Accuracy beside the floors, and apart from both what was published, as tables on stdout."""
    title = f"{metrics['model']} on {metrics['dataset']} ({'synthetic, ' if metrics['synthetic'] else ''}"
    title += f"{metrics['split']}, {metrics['queries']} queries, protocol {metrics['protocol']})"
    floors = [(f"floor: {name}", *figures(floor)) for name, floor in metrics["floors"].items()]
    print_table(("", *FIGURES), [("model", *figures(metrics)), *floors], title)
    print_gain(metrics)
    for note in metrics.get("notes", ()):
        print(f"note: {note}")
    print_published(metrics)


def figures(scores: Mapping[str, Any], metrics: Sequence[Metric] = METRICS) -> list[str]:
    """Some metrics; by default all of the first moment, under the headers `FIGURES`."""
    return [figure(scores, metric) for metric in metrics]


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


def print_published(scores: Mapping[str, Any]) -> None:
    """What others published, each figure marked; nothing beside scores of another test set than theirs."""
    from emtm.metrics.published import LEGEND, published_beside

    entries = published_beside(scores["dataset"], scores.get("official"))
    if not entries:
        return
    rows = []
    for entry in entries:
        name = f"{entry.model} ({entry.note})" if entry.note else entry.model
        rows.append((name, entry.split, entry.features, *entry.cells(), entry.source))
    headers = ("model", "tested on", "features", *FIGURES, "source")
    print_table(headers, rows, "Published, not measured here")
    print(LEGEND)
