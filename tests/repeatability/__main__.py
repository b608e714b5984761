"""`python -m tests.repeatability --out FILE`: sessions of the smoke profile, one after the other; goes on with FILE."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.results import read_run
from emtm.files import read_json, replacing
from tests.campaign.half import origin
from tests.repeatability.sessions import PROMISED, TWINS, Ratio, document, ratios

ROOT = Path(__file__).resolve().parents[2]
CASES = f"({' or '.join(TWINS)}) and single_stream and eager"


def session(folder: Path, number: int) -> tuple[str, list[Ratio]]:
    """One, in fresh processes; as a user starts it."""
    out = folder / f"{number}.json"
    command = [sys.executable, "-m", "pytest", "bench/", "--benchmark-only", "--bench-profile", "smoke", "-q"]
    command += ["--runs", "none", "-k", CASES, "--run-file", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    run = read_run(out)
    return run.created_utc, ratios(run)


def main() -> int:
    """Writes the file after each session; 1 where fewer intervals hold 1 than promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.repeatability", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON file; sessions that it holds count")
    parser.add_argument("--sessions", type=int, default=20, help="in all [20]")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    code, found = origin(), list[tuple[str, list[Ratio]]]()
    if given.out.exists():
        rows = read_json(given.out)["sessions"]
        found = [(row["created_utc"], [Ratio(**ratio) for ratio in row["ratios"]]) for row in rows]
    result: dict[str, Any] = document(found, code)
    with tempfile.TemporaryDirectory() as name:
        for number in range(len(found), given.sessions):
            began = time.monotonic()
            found.append(session(Path(name), number))
            result = document(found, code)
            with replacing(given.out) as partial:
                partial.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", "utf-8")
            held = f"{result['all']['hold_1']} of {result['all']['intervals']} intervals hold 1"
            print(f"session {number + 1}, {time.monotonic() - began:.0f} s: {held}", file=sys.stderr, flush=True)
    print(json.dumps({key: result[key] for key in ("all", "unmarked")}, indent=1))
    return 0 if (result["all"]["share"] or 0.0) >= PROMISED else 1


if __name__ == "__main__":
    raise SystemExit(main())
