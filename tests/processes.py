"""What processes that tests start are given."""

from __future__ import annotations

import os
import signal


def outside_xdist() -> dict[str, str]:
    """Without the marks of a worker: the harness and pytest-benchmark refuse to measure beside other workers."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")}


def hears_interrupts() -> None:
    """For `preexec_fn`: a job in the background of a shell ignores SIGINT, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
