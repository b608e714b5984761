"""What a killed process leaves behind is removed by the next one, and nothing else is."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emtm.errors import UserError
from emtm.files import append_line, replacing, replacing_together
from emtm.processes import held, reserved
from emtm.temporary import scratch, sweep, temporary_file, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked on Windows")

HOLDER = """
import sys, tempfile, time
from pathlib import Path
from emtm.processes import held, reserved
from emtm.temporary import scratch, temporary_file, temporary_folder
place = Path(sys.argv[1])
tempfile.tempdir = str(place)
with temporary_file(place / "a.json") as file, temporary_folder(place / "b") as folder, scratch("kind") as own:
    file.write_text("half")
    (folder / "below").mkdir()
    (folder / "below/x").write_text("half")
    (own / "x").write_text("half")
    with reserved(place / "c.json"):
        print("ready", flush=True)
        time.sleep(1000)
"""


@contextmanager
def holder(place: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds temporary files of each kind, and a name."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(place)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def names(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


def test_the_dead_are_swept_and_the_living_left_alone(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        there = names(tmp_path)
        assert len(there) == 4 and all(name.startswith(".") and name.endswith(".emtm") for name in there)
        sweep(tmp_path)
        assert names(tmp_path) == there
        refusal = r"another process is about to write .*c\.json; wait for it"
        with pytest.raises(UserError, match=refusal), reserved(tmp_path / "c.json"):
            pytest.fail("reserved twice")
        with reserved(tmp_path / "d.json"):
            pass
        process.send_signal(signal.SIGKILL)
    assert names(tmp_path) == there
    with reserved(tmp_path / "c.json"):
        assert names(tmp_path) == {".c.json.lock.emtm"}
    assert names(tmp_path) == set()


@pytest.mark.parametrize("sweeper", [held, lambda place: replacing(place / "e.json")], ids=["held", "replacing"])
def test_whoever_writes_there_sweeps(tmp_path: Path, sweeper: object) -> None:
    with holder(tmp_path):
        pass
    assert callable(sweeper)
    with sweeper(tmp_path):
        assert not {name for name in names(tmp_path) if not name.startswith(".e.json.")}


OTHERS = ("a.json", ".a.json", ".a.json.12345678", "a.json.12345678.emtm", ".a.json.1234567g.emtm", ".12345678.emtm")


def test_what_has_another_name_stays(tmp_path: Path) -> None:
    for name in OTHERS:
        (tmp_path / name).write_text("mine")
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "x").write_text("mine")
    (tmp_path / ".link.12345678.emtm").symlink_to(tmp_path / "away")
    (tmp_path / ".file.12345678.emtm").symlink_to(tmp_path / "a.json")
    os.mkfifo(tmp_path / ".pipe.12345678.emtm")
    before = names(tmp_path)
    sweep(tmp_path)
    sweep(tmp_path / "nowhere")
    assert names(tmp_path) == before
    assert (tmp_path / "away" / "x").read_text() == "mine"


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (2, 0o664, 0o775)])
def test_modes_are_what_umask_says(tmp_path: Path, mask: int, file: int, folder: int) -> None:
    before = os.umask(mask)
    try:
        with replacing(tmp_path / "a.json") as partial:
            partial.write_text("new")
        with temporary_folder(tmp_path / "b") as made:
            found = stat.S_IMODE(made.stat().st_mode)
        with scratch("kind") as own:
            assert stat.S_IMODE(own.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert (stat.S_IMODE((tmp_path / "a.json").stat().st_mode), found) == (file, folder)


def test_processes_that_write_one_file_at_once_do_not_sweep_each_other(tmp_path: Path) -> None:
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for _ in range(25):
                    sweep(tmp_path)
                    with replacing_together([tmp_path / "a", tmp_path / "b"]) as partials:
                        for partial in partials:
                            partial.write_text(f"{number}" * 1000)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    assert names(tmp_path) == {"a", "b"}
    assert all(len(set((tmp_path / name).read_text())) == 1 for name in "ab")


def test_a_name_is_reserved_by_one_of_several_at_a_time(tmp_path: Path) -> None:
    """Each adds one to a number, which is right only if no two do so at once."""
    (tmp_path / "sum").write_text("0")
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for _ in range(10):
                    with reserved(tmp_path / "deep" / "er" / "name"):
                        (tmp_path / "sum").write_text(str(int((tmp_path / "sum").read_text()) + 1))
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    assert (tmp_path / "sum").read_text() == "40"
    assert list(tmp_path.rglob(".*")) == []


def test_a_folder_that_was_there_stays_though_empty(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with held(tmp_path / "mine"), reserved(tmp_path / "mine" / "x"):
        pass
    with held(tmp_path / "a" / "b"):
        pass
    assert names(tmp_path) == {"mine"}


def test_a_temporary_file_goes_unless_it_was_renamed(tmp_path: Path) -> None:
    with temporary_file(tmp_path / "a") as gone, temporary_file(tmp_path / "b") as kept:
        kept.rename(tmp_path / "b")
        assert gone.exists()
    assert names(tmp_path) == {"b"}


def test_half_a_line_goes_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emtm.files._CHUNK", 3)
    path = tmp_path / "lines"
    for line in ("one", "two"):
        append_line(path, line)
    assert path.read_text() == "one\ntwo\n"
    for cut, left in ((6, "one\nthree\n"), (9, "one\nthree\n"), (4, "one\nthree\n"), (3, "three\n"), (0, "three\n")):
        os.truncate(path, cut)
        append_line(path, "three")
        assert path.read_text() == left
