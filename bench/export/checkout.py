"""The git checkout around the working directory, which knows where a measured commit belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench.git import git

FULL = 40


@dataclass(frozen=True, slots=True)
class Checkout:
    """A repository and the branch that is checked out."""

    root: Path
    branch: str
    """`HEAD` where none is."""

    def full(self, commit: str) -> str | None:
        """The 40 digits that begin with `commit`; None where the repository has no such commit, or several."""
        if not re.fullmatch(r"[0-9a-f]{4,40}", commit):
            return None
        return git(self.root, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}") or None

    def authored_s(self, commit: str) -> int | None:
        """Seconds from 1970 to the commit's author date; None where the repository has no such commit."""
        found = self.full(commit)
        answer = git(self.root, "show", "--no-patch", "--format=%at", found) if found else None
        return int(answer) if answer else None

    def holds(self, commit: str) -> bool:
        """Is the commit on the branch's line of first parents?"""
        return commit in (git(self.root, "rev-list", "--first-parent", self.branch) or "").split()


def checkout(folder: Path) -> Checkout | None:
    """The checkout that `folder` lies in."""
    root = git(folder, "rev-parse", "--show-toplevel")
    if not root:
        return None
    return Checkout(Path(root), git(folder, "branch", "--show-current") or "HEAD")
