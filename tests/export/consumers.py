"""The real consumers, in an environment of their own: they are no part of the project."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

PACKAGES = ("asv>=0.6.4", "prometheus-client>=0.20", "junitparser>=3")


def make(folder: Path) -> Path:
    """The folder of their commands; skips the test where no package index answers."""
    venv.create(folder, with_pip=True)
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    command = [scripts / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the consumers do not install: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    return scripts
