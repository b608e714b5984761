"""A generated folder is replaced at once: whoever is killed leaves the old one or the new one, and no third thing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench import folder
from bench.folder import exchange, replace_folder
from emtm.temporary import sweep
from tests.campaign.kills.moments import Watch, read_moments

OLD = {"proof": b"old", "figures/old.svg": b"old"}
NEW = {"proof": b"new", "figures/new.svg": b"new", "tables/new.csv": b"new"}


def content(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def replaced(out: Path, files: dict[str, bytes], log: Path, last: int | None, at_once: bool) -> int:
    """In another process, killed at its moment `last`; the exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if not at_once:
                folder.exchange = lambda one, other: False
            Watch([out.parent], log, last).install()
            replace_folder(files, out, "test", "proof")
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("at_once", [True, False])
def test_a_kill_at_any_moment_leaves_one_of_them_and_the_next_run_puts_all_right(tmp_path: Path, at_once: bool) -> None:
    log, place, out = tmp_path / "log", tmp_path / "place", tmp_path / "place" / "out"
    place.mkdir()
    assert replaced(out, OLD, log, None, at_once) == replaced(out, NEW, log, None, at_once) == 0
    moments = read_moments(log)
    assert [moment.kind for moment in moments].count("rename") == (1 if at_once else 2)
    for last in range(1, len(moments) + 1):
        replace_folder(OLD, out, "test", "proof")
        assert list(place.iterdir()) == [out]
        assert replaced(out, NEW, log, last, at_once) == -9
        if at_once or out.exists():
            assert content(out) in (OLD, NEW)
        else:
            (aside,) = place.glob(".out.old.emtm")
            assert content(aside) == OLD
        replace_folder(NEW, out, "test", "proof")
        sweep(place)
        assert content(out) == NEW
        assert list(place.iterdir()) == [out]


def test_folders_change_names_at_once(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    if not exchange(tmp_path / "one", tmp_path / "other"):
        pytest.skip("this system cannot exchange names")
    assert (tmp_path / "one" / "other").exists() and (tmp_path / "other" / "one").exists()
    with pytest.raises(FileNotFoundError):
        exchange(tmp_path / "one", tmp_path / "nowhere")
