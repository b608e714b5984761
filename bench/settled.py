"""What a process that measures is told before it imports anything: OpenMP and the allocator read it once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from emtm.processor import ALLOCATOR

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def settled(threads: int) -> dict[str, str]:
    """Variables of a process that computes with at most so many threads; the user's own about the allocator stay.

    Its cores are those of the process that starts it.
    """
    return {
        **dict.fromkeys(_THREADS, str(threads)),
        **{key: os.environ.get(key, limit) for key, limit in ALLOCATOR.items()},
    }


@contextmanager
def told(variables: Mapping[str, str]) -> Iterator[None]:
    """A process that is started meanwhile finds them in its environment."""
    before = {key: os.environ.get(key) for key in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
