"""Spoiled whatever the format: bytes of the file, and the file itself."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written

FOREIGN = {
    "a pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x06system\x94\x93\x94.",
    "a zip file of nothing": b"PK\x05\x06" + bytes(18),
    "an HDF5 signature": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "a numpy signature": b"\x93NUMPY\x01\x00v\x00{",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0a1b\nsize 1234\n",
    "gzip": b"\x1f\x8b\x08\x00" + bytes(20),
    "a page of HTML": b"<!DOCTYPE html><html><body>404 Not Found</body></html>\n",
    "line ends": b"\r\n\n\r",
    "a byte order mark": b"\xef\xbb\xbf",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "Latin-1": b'{"\xe9": "\xff"}',
    "NUL": bytes(1000),
    "nothing": b"",
}


@st.composite
def bytes_of(draw: DrawFn, content: bytes) -> Mutation:
    """Bytes cut off, flipped, zeroed, moved, repeated, put in or taken out."""
    kind = draw(st.sampled_from(("truncated", "flipped", "zeroed", "spliced", "inserted", "removed", "repeated")))
    where = draw(st.integers(0, max(len(content) - 1, 0)))
    length = draw(st.sampled_from((1, 2, 8, 64, 1000, len(content))))
    until = min(where + length, len(content))
    spoiled = bytearray(content)
    if kind == "truncated":
        del spoiled[where:]
    elif kind == "flipped":
        for place in draw(st.lists(st.integers(0, max(len(content) - 1, 0)), min_size=1, max_size=20)):
            if content:
                spoiled[place] ^= draw(st.sampled_from((1, 4, 32, 128, 255)))
    elif kind == "zeroed":
        spoiled[where:until] = bytes(until - where)
    elif kind == "spliced":
        there = draw(st.integers(0, max(len(content) - 1, 0)))
        spoiled[there : there + until - where] = content[where:until]
    elif kind == "inserted":
        spoiled[where:where] = draw(st.binary(min_size=1, max_size=40))
    elif kind == "removed":
        del spoiled[where:until]
    else:
        spoiled[where:where] = content[where:until] * draw(st.sampled_from((1, 2, 50)))
    return written(f"bytes {kind}", f"at {where}, {length} of {len(content)}", bytes(spoiled))


def _without(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


PLACES = (
    Mutation("file absent", "it is not there", _without),
    Mutation("file a folder", "a folder has its name", _folder),
    Mutation("file a link", "to itself", _loop),
    Mutation("file a link", "to nothing", _dangling),
    *(written("file foreign", what, content) for what, content in FOREIGN.items()),
)


def raw(content: bytes) -> SearchStrategy[Mutation]:
    """Whatever can be done to any file."""
    changed = bytes_of(content)
    return st.one_of(changed, changed, changed, st.sampled_from(PLACES))
