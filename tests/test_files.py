"""Files are written whole or not at all; what can be made again lies in one place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs
import pytest

from emtm.files import append_line, cache_dir, replacing, replacing_together
from tests.campaign.kills.moments import Watch, read_moments


def test_readers_see_the_old_file_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with replacing(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
        assert partial.parent == tmp_path
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [["a.json"], []])
def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path, error: BaseException, before: list[str]) -> None:
    for name in before:
        (tmp_path / name).write_text("old")
    with pytest.raises(type(error)), replacing(tmp_path / "a.json") as partial:
        partial.write_text("half")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == before
    assert all(path.read_text() == "old" for path in tmp_path.iterdir())


def test_content_reaches_the_disk_before_its_name_and_its_name_before_the_end(tmp_path: Path) -> None:
    place, log = tmp_path / "place", tmp_path / "log"
    place.mkdir()
    child = os.fork()
    if child == 0:
        try:
            Watch([place], log).install()
            with replacing_together([place / "a", place / "b"]) as partials:
                for partial in partials:
                    partial.write_text("new")
            append_line(place / "lines", "one")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    kept = [moment for moment in read_moments(log) if moment.kind in ("written", "rename", "sync folder")]
    names = [moment.path.name if moment.path.suffix != ".emtm" else moment.path.name[1] for moment in kept]
    assert [f"{moment.kind} {name}" for moment, name in zip(kept, names, strict=True)] == [
        *("written a", "written b", "rename a", "rename b", "sync folder place"),
        *("written lines", "sync folder place"),
    ]


def test_cache_is_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    for unset in ("", None):
        monkeypatch.setenv("EMTM_CACHE", "") if unset == "" else monkeypatch.delenv("EMTM_CACHE")
        assert cache_dir() == Path(platformdirs.user_cache_dir("emtm-bench"))
