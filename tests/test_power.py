"""The power is cut: a file system that forgets all that was not synced, at every moment at which files change."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emtm.errors import UserError
from emtm.files import append_line, replacing
from emtm.training import manifest, runs
from tests.campaign.kills.moments import Moment, Watch, read_moments

_SHUTDOWN, _LOSE_ALL = 0x8004587D, 2
"""EXT4_IOC_SHUTDOWN: neither the journal nor data are written any more."""
EPOCHS = 2


class Disk:
    """An ext4 file system in a file."""

    def __init__(self, place: Path) -> None:
        self._image, self.folder = place / "image", place / "disk"
        self.folder.mkdir()

    def make(self) -> None:
        self.eject()
        self._image.unlink(missing_ok=True)
        with self._image.open("wb") as file:
            file.truncate(16 * 2**20)
        self._run("mkfs.ext4", "-q", "-F", str(self._image))
        self._run("mount", "-o", "loop", str(self._image), str(self.folder))

    def cut_power(self) -> None:
        """Lose what was not synced, and start again."""
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, _SHUTDOWN, struct.pack("I", _LOSE_ALL))
        finally:
            os.close(handle)
        self._run("umount", str(self.folder))
        self._run("mount", "-o", "loop", str(self._image), str(self.folder))

    def eject(self) -> None:
        if os.path.ismount(self.folder):
            self._run("umount", str(self.folder))

    @staticmethod
    def _run(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("mounting a file system needs Linux, root and mkfs.ext4")
    made = Disk(tmp_path)
    try:
        made.make()
        made.cut_power()
    except (OSError, subprocess.CalledProcessError) as error:
        with contextlib.suppress(subprocess.CalledProcessError):
            made.eject()
        pytest.skip(f"no ext4 file system can be mounted and shut down here: {error}")
    yield made
    made.eject()


def epochs(folder: Path) -> None:
    """What a training writes, in small."""
    manifest.begin(folder)
    for epoch in range(EPOCHS):
        text = str(epoch).encode() * 5000
        runs.write_files(folder, {"best": text, "history": text, "last": text})


def done_epochs(folder: Path) -> int:
    """How many epochs are kept; every file must be whole, and the one that its manifest says."""
    if not (folder / manifest.MANIFEST).exists():
        assert not (folder / "last").exists()
        return 0
    for path in folder.iterdir():
        if not path.name.startswith(".") and path.name not in (manifest.MANIFEST, "lost+found"):
            manifest.check(path)
            assert path.stat().st_size == 5000
    return int((folder / "last").read_text()[0]) + 1 if (folder / "last").exists() else 0


def lines(folder: Path) -> None:
    for number in range(3):
        append_line(folder / "lines", str(number) * 100)
        with replacing(folder / "number") as partial:
            partial.write_text(str(number))


def done_lines(folder: Path) -> int:
    number = int((folder / "number").read_text()) + 1 if (folder / "number").exists() else 0
    found = (folder / "lines").read_text().splitlines() if (folder / "lines").exists() else []
    assert found[:number] == [str(one) * 100 for one in range(number)]
    return number


def cut(disk: Disk, work: Callable[[Path], None], log: Path, last: int | None, synced: bool = True) -> None:
    """Work on a fresh disk until the moment `last`, when the power is cut."""
    disk.make()
    child = os.fork()
    if child == 0:
        try:
            if not synced:
                os.fsync = lambda fd: None
            Watch([disk.folder], log, last).install()
            work(disk.folder)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    disk.cut_power()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "done", "proof"), [(epochs, done_epochs, "last"), (lines, done_lines, "number")], ids=["epochs", "lines"]
)
def test_what_was_done_is_there_after_the_power_was_cut(
    disk: Disk, tmp_path: Path, work: Callable[[Path], None], done: Callable[[Path], int], proof: str
) -> None:
    log = tmp_path / "log"
    cut(disk, work, log, None)
    moments = read_moments(log)
    assert done(disk.folder) == (EPOCHS if work is epochs else 3)
    for last, moment in enumerate(moments, 1):
        if moment.kind not in ("written", "rename", "sync folder"):
            continue
        cut(disk, work, log, last)
        assert done(disk.folder) >= promised(read_moments(log)[:-1], disk.folder / proof), read_moments(log)


def promised(moments: list[Moment], proof: Path) -> int:
    """How often `proof` was renamed and the folder synced before the last of these moments."""
    three = zip(moments, moments[1:], moments[2:], strict=False)
    return sum((one.kind, one.path, two.kind) == ("rename", proof, "sync folder") for one, two, _ in three)


@pytest.mark.slow
def test_without_syncing_something_would_be_lost(disk: Disk, tmp_path: Path) -> None:
    cut(disk, epochs, tmp_path / "log", None, synced=False)
    with contextlib.suppress(UserError, AssertionError):
        assert done_epochs(disk.folder) < EPOCHS
        return
    assert not (disk.folder / "last").exists()
