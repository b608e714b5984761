"""One command in a process of its own: how long it took, and the most memory that it held."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.limits.tasks import Command

_MIB = 2**20
SAID = "said.txt"
"""What the commands have printed, in the folder of their files."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took. A processor's seconds, unlike a clock's, are the same on a machine with other work to do."""

    exit_code: int
    cpu_s: float
    wall_s: float
    peak_mib: int


def take(command: Command, folder: Path) -> Taken:
    """Runs a command on the files in a folder; what it prints is kept there."""
    program, *arguments = (part.replace("{}", str(folder)) for part in command)
    environment = {**os.environ, "EMTM_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    with (folder / SAID).open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments], stdout=said, stderr=subprocess.STDOUT, env=environment
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - began
    # Linux counts kibibytes.
    peak = used.ru_maxrss * 1024 // _MIB
    return Taken(process.returncode, round(used.ru_utime + used.ru_stime, 1), round(wall_s, 1), peak)
