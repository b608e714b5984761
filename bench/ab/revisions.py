"""Trees of the revisions that are compared: git worktrees that go when the session ends.

A revision is found by Python through its own sources and its own entry points, read from its `pyproject.toml`,
so that nothing has to be installed and a model that only one revision registers is found in that one alone.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.git import git
from emtm.errors import UserError
from emtm.temporary import scratch

WORKTREE = "WORKTREE"
"""Names the tree as it lies on disk, uncommitted changes included."""
CHECKOUT_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Revision:
    """One side of a comparison."""

    name: str
    """As the user gave it."""
    commit: str
    """Of the tree; of the commit that a dirty tree departs from."""
    dirty: bool
    tree: Path
    python_path: tuple[Path, ...]
    """What a process of this revision has in front of its module search path."""


def repository(path: Path) -> Path:
    """Top of the git checkout that holds `path`; raises UserError where there is none."""
    if not path.is_dir():
        raise UserError(f"{path} is not a folder")
    if shutil.which("git") is None:
        raise UserError("git is not installed, and revisions are read with it")
    return Path(_git(path, "rev-parse", "--show-toplevel", otherwise=f"{path} is not in a git checkout"))


@contextmanager
def revisions(package: Path, names: tuple[str, ...]) -> Iterator[tuple[Revision, ...]]:
    """The revisions of the package at `package`, in that order; equal names share one tree.

    Raises UserError for a revision that git does not know and for a folder that is no Python project.
    """
    top = repository(package)
    below = package.resolve().relative_to(top)
    made: dict[str, Revision] = {}
    try:
        with scratch("ab") as folder:
            try:
                for name in names:
                    if name not in made:
                        made[name] = _revision(top, below, name, folder / f"r{len(made)}")
                yield tuple(made[name] for name in names)
            finally:
                for revision in made.values():
                    if revision.name != WORKTREE:
                        git(top, "worktree", "remove", "--force", str(revision.tree), limit_s=CHECKOUT_LIMIT_S)
    finally:
        git(top, "worktree", "prune")  # those of killed processes too


def _revision(top: Path, below: Path, name: str, place: Path) -> Revision:
    if name == WORKTREE:
        commit, tree = _git(top, "rev-parse", "HEAD", otherwise=f"{top} has no commit yet"), top
        dirty = bool(_git(top, "--no-optional-locks", "status", "--porcelain", otherwise="git does not answer"))
    else:
        # A name that begins with a dash would be an option to git.
        wanted = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        commit = _git(top, *wanted, otherwise=f"'{name}' is no revision of {top}")
        dirty, tree = False, place / "tree"
        place.mkdir()
        _git(top, "worktree", "add", "--detach", str(tree), commit, otherwise=f"git cannot check out '{name}'")
    project = tree / below
    if not (project / "pyproject.toml").is_file():
        raise UserError(f"there is no pyproject.toml in {below.as_posix()} at '{name}'")
    metadata = place / "metadata"
    _write_metadata(project / "pyproject.toml", metadata)
    source = project / "src" if (project / "src").is_dir() else project
    return Revision(name, commit, dirty, tree, (metadata, source))


def _write_metadata(pyproject: Path, folder: Path) -> None:
    """What importlib.metadata must find to see the project's entry points."""
    try:
        project = tomllib.loads(pyproject.read_text("utf-8")).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{pyproject} is not valid TOML: {error}") from None
    name, groups = project.get("name"), project.get("entry-points", {})
    if not isinstance(name, str) or not isinstance(groups, dict):
        raise UserError(f"{pyproject} names no project")
    info = folder / f"{name.replace('-', '_')}-0+revision.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0+revision\n", "utf-8")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{point} = {target}" for point, target in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join([*lines, ""]), "utf-8")


def _git(folder: Path, *arguments: str, otherwise: str) -> str:
    """What git prints; raises UserError with `otherwise` when it fails."""
    answer = git(folder, *arguments, limit_s=CHECKOUT_LIMIT_S)
    if answer is None:
        raise UserError(otherwise)
    return answer
