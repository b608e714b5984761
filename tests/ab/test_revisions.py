"""Trees of two revisions of a small project, each found with its own sources and entry points."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.ab.revisions import WORKTREE, revisions
from emtm.errors import UserError

ASK = (
    "import importlib.metadata as m, toy; "
    "print(toy.NUMBER, sorted(p.name for p in m.entry_points(group='emtm.models') if p.name.startswith('toy')))"
)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write(folder: Path, number: int, models: str) -> None:
    (folder / "toy.py").write_text(f"NUMBER = {number}\n")
    lines = "\n".join(f'{name} = "toy:NUMBER"' for name in models.split())
    (folder / "pyproject.toml").write_text(f'[project]\nname = "toy"\n[project.entry-points."emtm.models"]\n{lines}\n')


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    for number, models in ((1, "toy-a"), (2, "toy-a toy-b")):
        write(folder, number, models)
        git(folder, "add", "-A")
        git(folder, "commit", "-qm", str(number))
    write(folder, 3, "toy-c")
    return folder


def ask(python_path: tuple[Path, ...]) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, python_path))}
    done = subprocess.run([sys.executable, "-c", ASK], check=True, capture_output=True, text=True, env=environment)
    return done.stdout.strip()


def test_each_revision_is_found_with_its_own_models(project: Path) -> None:
    with revisions(project, ("HEAD~1", "HEAD", WORKTREE, "HEAD")) as found:
        assert [ask(revision.python_path) for revision in found[:3]] == [
            "1 ['toy-a']",
            "2 ['toy-a', 'toy-b']",
            "3 ['toy-c']",
        ]
        assert found[1] is found[3]
        assert [revision.dirty for revision in found] == [False, False, True, False]
        trees = [revision.tree for revision in found[:2]]
    assert not any(tree.exists() for tree in trees)
    assert git(project, "worktree", "list").count("\n") == 0
    assert (project / "toy.py").read_text() == "NUMBER = 3\n"


def test_trees_go_when_the_session_fails(project: Path) -> None:
    with pytest.raises(RuntimeError), revisions(project, ("HEAD",)):
        raise RuntimeError
    assert git(project, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize("name", ["nowhere", "--help", "", "HEAD:toy.py"])
def test_what_is_no_revision_is_named(project: Path, name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}' is no revision"), revisions(project, ("HEAD", name)):
        pass
    assert git(project, "worktree", "list").count("\n") == 0


def test_a_folder_without_git_or_project_is_named(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not in a git checkout"), revisions(tmp_path, ("HEAD",)):
        pass
    with pytest.raises(UserError, match="is not a folder"), revisions(tmp_path / "none", ("HEAD",)):
        pass
    (project / "deep").mkdir()
    (project / "deep" / "x").write_text("")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "deep")
    with (
        pytest.raises(UserError, match=r"no pyproject\.toml in deep at 'HEAD'"),
        revisions(project / "deep", ("HEAD",)),
    ):
        pass
