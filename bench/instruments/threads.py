"""What a call hands to other threads of its process: dispatch modes and grad modes belong to one thread alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any


@contextmanager
def followed(enter: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
    """Within the block, threads that this one starts, and what it submits to pools of threads, run under `enter()`."""
    owner = threading.get_ident()
    submit, start = ThreadPoolExecutor.submit, threading.Thread.start

    def under(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            with enter():
                return function(*args, **kwargs)

        return run

    def submit_followed(
        pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        ours = threading.get_ident() == owner
        return submit(pool, under(function) if ours else function, *args, **kwargs)

    def start_followed(thread: threading.Thread) -> None:
        # A pool's own thread goes on to serve other calls; what it is given by this one is followed by itself.
        if threading.get_ident() == owner and not thread.name.startswith("ThreadPoolExecutor"):
            thread.run = under(thread.run)  # type: ignore[method-assign]
        start(thread)

    ThreadPoolExecutor.submit = submit_followed  # type: ignore[assignment,method-assign]
    threading.Thread.start = start_followed  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
        threading.Thread.start = start  # type: ignore[method-assign]
