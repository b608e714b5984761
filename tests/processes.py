"""Environment for the pytest sessions that tests start."""

from __future__ import annotations

import os


def outside_xdist() -> dict[str, str]:
    """Without the marks of a worker: the harness and pytest-benchmark refuse to measure beside other workers."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")}
