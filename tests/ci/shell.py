"""Runs shell steps as a CI would, with stand-ins for what needs a network, an hour, or an account.

`git` and `python -m bench.report compare | history | export | validate` are real. `pip` does nothing, `pytest`
copies a run file to where the harness would write it, `ab` prints a given comment and ends with a given code, and
every call of a stand-in is written down.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_REAL = ({path.stem for path in (ROOT / "bench" / "cli").glob("*.py")} | {"validate"}) - {"ab"}

_PYTHON = """#!/bin/bash
echo "python $*" >> "$CALLS"
case "$*" in
  "-m pip "*) exit 0 ;;
  "-m bench.report ab "*)
    printf '%s' "$AB_COMMENT"
    while [ $# -gt 0 ]; do if [ "$1" = --out ]; then echo '{}' > "$2"; fi; shift; done
    exit "$AB_CODE" ;;
  "-m bench.report "*)
    case " $REAL " in *" $3 "*) ;; *)
      while [ $# -gt 0 ]; do if [ "$1" = --out ]; then mkdir -p "$2"; fi; shift; done
      exit 0 ;;
    esac ;;
esac
exec "$REAL_PYTHON" "$@"
"""
_PYTEST = """#!/bin/bash
echo "pytest $*" >> "$CALLS"
mkdir -p reports/runs
cp "$RUN_FILE" "reports/runs/$(basename "$RUN_FILE")"
"""
_RECORD = """#!/bin/bash
echo "$(basename "$0") $*" >> "$CALLS"
printf '%s' "${ANSWER:-}"
"""


@dataclass
class Shell:
    """A folder to run steps in, with stand-ins first on the path."""

    work: Path
    tools: Path
    run_file: Path
    """What the stand-in of pytest writes."""
    comment: str = "**SAME**: 1 case\n"
    code: int = 0
    """What the stand-in of `ab` ends with."""
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tools.mkdir(parents=True, exist_ok=True)
        for name, text in {
            "python": _PYTHON,
            "pytest": _PYTEST,
            "gh": _RECORD,
            "bencher": _RECORD,
            "asv": _RECORD,
        }.items():
            (self.tools / name).write_text(text, "utf-8")
            (self.tools / name).chmod(0o755)

    def run(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs a step as GitHub does (`bash -e`)."""
        variables = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CALLS": str(self.calls_file),
            "REAL": " ".join(sorted(_REAL)),
            "REAL_PYTHON": sys.executable,
            "RUN_FILE": str(self.run_file),
            "AB_COMMENT": self.comment,
            "AB_CODE": str(self.code),
            "GITHUB_OUTPUT": str(self.tools / "output"),
            "GITHUB_STEP_SUMMARY": str(self.tools / "summary"),
            **self.env,
            **env,
        }
        command = ["bash", "-e", "-c", script]
        return subprocess.run(
            command, cwd=self.work, env=variables, capture_output=True, text=True, timeout=600, check=False
        )

    @property
    def calls_file(self) -> Path:
        """Where stand-ins write down how they were called."""
        return self.tools / "calls"

    @property
    def calls(self) -> list[str]:
        """Calls of stand-ins so far."""
        return self.calls_file.read_text("utf-8").splitlines() if self.calls_file.exists() else []

    @property
    def outputs(self) -> dict[str, str]:
        """Outputs that a step has set."""
        lines = (self.tools / "output").read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


def git(folder: Path, *arguments: str) -> str:
    """Runs git in a folder and gives what it prints."""
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def script_of(lines: list[str]) -> str:
    """The `script:` of a GitLab job as one script, which GitLab stops at the first failure too."""
    return "set -o pipefail\n" + "\n".join(lines)


def called(shell: Shell, start: str) -> list[list[str]]:
    """Arguments of the calls that begin so."""
    return [shlex.split(call) for call in shell.calls if call.startswith(start)]
