"""Somebody else's code of our models: where it comes from, what runs it, and how its weights are ours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from emtm.errors import UserError

Get = Callable[[str], Tensor]
WORKERS = Path(__file__).with_name("workers")


@dataclass(frozen=True, slots=True)
class Variant:
    """A way of running the peer: a row of its own."""

    name: str
    title: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Peer:
    """A published implementation, measured from the user's own checkout."""

    name: str
    title: str
    repository: str
    commit: str
    files: Mapping[str, str]
    """SHA-256 of the files that are run, at that commit."""
    worker: Path
    needs: str
    """What its python must have, in words."""
    state: Callable[[str, Get], dict[str, Tensor]]
    """The state of our model of that name, from the peer's weights by name."""
    variants: tuple[Variant, ...] = ()


def check_checkout(peer: Peer, code: Path) -> None:
    """Raises UserError where the code is not there, or is not that of the peer's commit."""
    if not code.is_dir():
        raise UserError(f"there is no folder {code}")
    wanted = f"{peer.repository} at commit {peer.commit[:7]}"
    for name, sha256 in peer.files.items():
        path = code / name
        if not path.is_file():
            raise UserError(f"{code} is no checkout of {wanted}: {name} is not there")
        # Line ends are the checkout's own affair.
        if hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() != sha256:
            raise UserError(f"{code} is no checkout of {wanted}: {name} is another one")
