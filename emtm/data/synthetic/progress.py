"""A progress bar that appears only when the work takes more than about a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

_PATIENCE_S = 1.0


@contextmanager
def late_progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yields a function that takes how much of `total` is done and shows it on stderr."""
    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(title, total=total)
    began = time.monotonic()

    def report(done: int) -> None:
        if time.monotonic() - began > _PATIENCE_S:
            bar.start()
            bar.update(task, completed=min(done, total))

    try:
        yield report
    finally:
        bar.stop()
