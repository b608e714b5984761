"""Questions to git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git(root: Path, *arguments: str, limit_s: float = 10.0) -> str | None:
    """What git answers in the checkout at `root`; None where it fails, takes longer, or is not installed."""
    # What a hook of git sets would point to another repository.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit_s, env=environment)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
