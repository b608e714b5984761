"""`python -m tests.campaign whole|inputs|kills --out FILE`: the long way; the tests beside this file go a short one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.campaign.half import Half, keep, origin
from tests.campaign.inputs import INPUTS
from tests.campaign.kills import KILLS

HALVES: tuple[Half, ...] = (INPUTS, KILLS)
WHOLE = {INPUTS.name: ("--inputs", "1000"), KILLS.name: ("--every",)}
"""Options of each half in the whole campaign."""


def main(argv: Sequence[str]) -> int:
    """Run a half and keep what it found; 1 where that is a failure."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    chosen = parser.add_subparsers(required=True)
    whole = chosen.add_parser("whole", help="both, as the committed file has them", description="Both halves.")
    whole.add_argument("--out", type=Path, required=True, help="JSON file")
    for half in HALVES:
        command = chosen.add_parser(half.name, help=half.about, description=half.about)
        command.add_argument("--out", type=Path, required=True, help="JSON file; what the other half found stays in it")
        half.options(command)
        command.set_defaults(half=half)
    options = parser.parse_args(argv)
    if "half" not in options:
        return max(main([name, *more, "--out", str(options.out)]) for name, more in WHOLE.items())
    code = origin()
    found = options.half.run(options)
    keep(options.out, options.half, {**code, **found})
    for failure in found["failures"]:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
