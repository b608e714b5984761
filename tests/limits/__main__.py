"""Measures every command at a share of its size, and writes the file and the table of docs/limits.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from emtm.files import replacing
from tests.limits.measuring import SAID, take
from tests.limits.table import markdown, with_table
from tests.limits.tasks import TASKS, called

PAGE = Path(__file__).resolve().parents[2] / "docs" / "limits.md"


def main() -> int:
    """Writes the file and prints its table; 1 if a command failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.limits", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--page", type=Path, default=PAGE, help="page whose table is written")
    parser.add_argument("--share", type=float, default=1.0, help="of the sizes")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    if given.out.is_dir() or not os.access(given.out.parent, os.W_OK):
        parser.error(f"cannot write {given.out}")
    machine = {"python": platform.python_version(), "cores": os.cpu_count(), "system": platform.system()}
    rows, failed = [], False
    for task in TASKS:
        with tempfile.TemporaryDirectory() as name:
            folder, size = Path(name), task.scaled(given.share)
            task.make(folder, size)
            for command in task.commands:
                found = take(command, folder)
                print(f"{called(command)}, {size:,} {task.unit}: {found}", file=sys.stderr, flush=True)
                # `compare` ends with what it found, which is no failure.
                if found.exit_code not in ((0, 3, 4, 5, 6) if "compare" in command else (0,)):
                    print((folder / SAID).read_text("utf-8", "replace")[-2000:], file=sys.stderr)
                    failed = True
                    continue
                row = {"what": task.what, "size": size, "unit": task.unit, "command": called(command)}
                rows.append({**row, "cpu_s": found.cpu_s, "wall_s": found.wall_s, "peak_mib": found.peak_mib})
    result = {"format": "emtm-limits/1", "machine": machine, "rows": rows}
    with replacing(given.out) as partial:
        partial.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    given.page.write_text(with_table(given.page.read_text("utf-8"), result), "utf-8")
    print(markdown(result))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
