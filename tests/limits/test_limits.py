"""The commands on a part of what is promised: eight times as much takes about eight times the work."""

from __future__ import annotations

import io
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from bench.cli.app import app as report
from emtm import memory
from emtm.cli import app as emtm
from emtm.data.annotations import read_annotations
from emtm.data.annotations.rows import lines_of
from emtm.errors import UserError
from tests.limits import loads
from tests.limits.measuring import SAID, take
from tests.limits.table import markdown
from tests.limits.tasks import TASKS, Command, Task, called

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "reports" / "limits" / "two-shared-cores.json"
PAGE = (ROOT / "docs" / "limits.md").read_text("utf-8")
PROGRAMS: dict[str, Typer] = {"emtm": emtm, "bench.report": report}
MORE = 8
MOST = 3 * MORE
"""Times the work for `MORE` times as much: what is quadratic takes `MORE` * `MORE`."""
FINE = (0, 3, 4, 5, 6)
SMALL = {"queries": 600, "videos": 60, "cases": 12, "bytes": 100_000}
QUICK = [(task, command) for task in TASKS for command in task.commands if called(command) != "report"]


def called_on(folder: Path, command: Command) -> float:
    """Seconds of this process's processor that a command takes."""
    program, *arguments = (part.replace("{}", str(folder)) for part in command)
    begun = time.process_time()
    done = CliRunner().invoke(PROGRAMS[program], arguments if "report" not in program else _named(arguments))
    taken = time.process_time() - begun
    assert done.exit_code in FINE, done.output
    return taken


def _named(arguments: list[str]) -> list[str]:
    return arguments if arguments[0] in ("validate", "compare", "history", "export") else ["report", *arguments]


def growth(measure: Callable[[int], float], small: int) -> float:
    """Times the work for `MORE` times as much; measured once more where something else was in the way."""
    found = [measure(MORE * small) / max(measure(small), 0.02)]
    if found[0] > MOST:
        found.append(measure(MORE * small) / max(measure(small), 0.02))
    return min(found)


@pytest.mark.parametrize(("task", "command"), QUICK, ids=[called(command) for _, command in QUICK])
def test_more_takes_more_in_proportion(
    task: Task, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))

    def measure(size: int) -> float:
        folder = tmp_path / f"{size}-{time.monotonic_ns()}"
        folder.mkdir()
        task.make(folder, size)
        return called_on(folder, command)

    measure(SMALL[task.unit] // 4)  # what is imported and compiled once
    assert growth(measure, SMALL[task.unit]) < MOST


def test_what_is_quadratic_is_noticed() -> None:
    assert growth(lambda size: 1e-4 * size, 300) < MOST < growth(lambda size: 1e-6 * size * size, 300)


def test_memory_of_annotations_is_in_proportion(tmp_path: Path) -> None:
    def peak(queries: int) -> int:
        path = loads.own_lines(tmp_path / f"{queries}.jsonl", queries)
        tracemalloc.start()
        try:
            assert len(read_annotations(path).queries) == queries
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(2_000) < 1.2 * MORE * peak(250)


def test_lines_are_those_of_split() -> None:
    for text in ("", "\n", "a", "a\nb", "a\n\nb\n", "a\r\n\u2028b\n"):
        assert list(lines_of(text)) == text.split("\n")


def test_a_file_that_does_not_fit_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = loads.own_lines(tmp_path / "large.jsonl", 1_000)
    monkeypatch.setattr(memory, "memory_bytes", lambda: 100_000)
    with pytest.raises(UserError, match=r"large.jsonl would take 0.\d MiB of memory, and this machine has 0.1"):
        read_annotations(path)


def test_a_command_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    found = take(("json.tool", "{}/in.json"), tmp_path)
    assert found.exit_code != 0 and "in.json" in (tmp_path / SAID).read_text("utf-8")
    (tmp_path / "in.json").write_text(json.dumps(["x" * 1000] * 30_000), "utf-8")
    found = take(("json.tool", "{}/in.json"), tmp_path)
    assert found.exit_code == 0 and found.cpu_s > 0 and found.peak_mib > 60


def test_the_page_shows_what_is_committed() -> None:
    found = json.loads(FILE.read_text("utf-8"))
    assert markdown(found) in PAGE
    assert [row["command"] for row in found["rows"]] == [called(command) for task in TASKS for command in task.commands]


def test_sizes_and_times_are_written_as_people_say_them() -> None:
    row = {"what": "a", "size": 10**9, "unit": "bytes", "command": "c", "cpu_s": 150.0, "peak_mib": 1536}
    small = {**row, "size": 1000, "unit": "cases", "cpu_s": 9.6, "peak_mib": 300}
    lines = io.StringIO(markdown({"rows": [row, small]})).read().splitlines()[2:]
    assert lines == ["| a | 1 GB | `c` | 2.5 min | 1.5 GiB |", "| a | 1,000 cases | `c` | 10 s | 300 MiB |"]
