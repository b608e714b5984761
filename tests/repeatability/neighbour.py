"""`python -m tests.repeatability.neighbour --out FILE`: is a time that others spoilt ever shown without a mark?

A session of the smoke profile on a quiet machine, then the same one while, for a third of it, two threads compute in
another process. A figure of the second session is wrong where it is further from the first's than two run files tell
apart, and not marked.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.compare.timing import FIGURES, Timing
from bench.disturbance import disturbance, disturbed
from bench.missing import Missing, of
from bench.results import read_run
from bench.run import Run
from bench.typical import latency_s
from emtm.files import replacing
from tests.campaign.half import origin

ROOT = Path(__file__).resolve().parents[2]
APART = 0.2
"""What two run files tell apart at best, as docs/measuring.md says."""
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both sessions."""

    case: str
    figure: str
    quiet_s: float
    planted_s: float
    marked: bool
    """By the second session."""

    @property
    def wrong(self) -> bool:
        """Off by more than can be told apart, and not marked."""
        return not self.marked and abs(math.log(self.planted_s / self.quiet_s)) > math.log(1 + APART)


def pairs(quiet: Run, planted: Run) -> list[Pair]:
    """Figures in seconds of the cases that both sessions measured, where the first was quiet."""
    before, found = {case.case_id: case for case in quiet.cases if case.status == "ok"}, list[Pair]()
    for after in planted.cases:
        case = before.get(after.case_id)
        if case is None or after.status != "ok" or disturbed(case):
            continue
        both = {figure.name: [_seconds(timing) for timing in figure.read([case, after])] for figure in FIGURES}
        both["latency as shown"] = [latency_s(case), latency_s(after)]
        for name, (one, other) in both.items():
            if not isinstance(one, Missing) and not isinstance(other, Missing):
                found.append(Pair(case.case_id, name, one, other, disturbed(after)))
    return found


def _seconds(timing: Timing | Missing) -> float | Missing:
    return of(timing, lambda known: known.seconds)


def document(quiet: Run, planted: Run, window_s: tuple[float, float], code: dict[str, Any]) -> dict[str, Any]:
    """Both sessions, side by side; `window_s` is when the neighbour computed, from the second one's start."""
    found = pairs(quiet, planted)
    off = [pair for pair in found if abs(math.log(pair.planted_s / pair.quiet_s)) > math.log(1 + APART)]
    return {
        "format": "emtm-neighbour/1",
        **code,
        "neighbour": {"threads": _THREADS, "from_s": window_s[0], "to_s": window_s[1]},
        "quiet": str(disturbance(quiet.cases)),
        "planted": str(disturbance(planted.cases)),
        "apart": APART,
        "figures": len(found),
        "marked": sum(pair.marked for pair in found),
        "off": len(off),
        "wrong": sum(pair.wrong for pair in found),
        "rows": [asdict(pair) for pair in found],
    }


@contextmanager
def neighbour(begin_s: float, length_s: float) -> Iterator[None]:
    """Two threads' worth of computing beside the block, from `begin_s` after its start."""
    context = multiprocessing.get_context("spawn")
    busy = [context.Process(target=_compute, args=(begin_s, length_s), daemon=True) for _ in range(_THREADS)]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.join()


def _compute(begin_s: float, length_s: float) -> None:
    time.sleep(begin_s)
    end = time.monotonic() + length_s
    while time.monotonic() < end:
        sum(range(10_000))


def session(out: Path, only: str | None) -> tuple[Run, float]:
    """One, as a user starts it, and its seconds."""
    command = [sys.executable, "-m", "pytest", "bench/", "--benchmark-only", "--bench-profile", "smoke", "-q"]
    command += ["--runs", "none", "--run-file", str(out), *(["-k", only] if only else [])]
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return read_run(out), time.monotonic() - began


def main() -> int:
    """1 where a figure is wrong without a mark."""
    parser = argparse.ArgumentParser(prog="python -m tests.repeatability.neighbour", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("-k", dest="only", metavar="NAMES", help="cases by name [default: all]")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        quiet, length_s = session(Path(name) / "quiet.json", given.only)
        with neighbour(length_s / 3, length_s / 3):
            planted, _ = session(Path(name) / "planted.json", given.only)
    result = document(quiet, planted, (length_s / 3, 2 * length_s / 3), origin())
    with replacing(given.out) as partial:
        partial.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n", "utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "rows"}, indent=1))
    return 1 if result["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
