"""What lies under a file's name instead of what the name says: asked when it cannot be read."""

from __future__ import annotations

from pathlib import Path

_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = b"/annex/objects/"
_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_MAGIC = (
    (b"\x1f\x8b", "compressed by gzip: decompress it first"),
    (b"\x89HDF\r\n", "an HDF5 file under another suffix: rename it to .hdf5"),
    (b"\x93NUMPY", "a NumPy array under another suffix: rename it to .npy"),
    (b"PK\x03\x04", "a zip archive, as .npz and PyTorch's files are"),
    (b"\xff\xfe", "UTF-16 text: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16 text: save it as UTF-8"),
)
_PEEK = 512


def disguise(path: Path, own: bytes | tuple[bytes, ...] = ()) -> str | None:
    """What a file really is, to be put behind "<path> is": empty, a pointer, a web page; None where nobody can tell.

    `own` are the first bytes that a file should have: a damaged one that has them is in no disguise.
    """
    if path.is_symlink() and not path.exists():
        return f"a link to {path.readlink()}, which is not there"
    try:
        with path.open("rb") as file:
            head = file.read(_PEEK)
    except OSError:
        return None
    if not head:
        return "empty (0 bytes)"
    if head.startswith(_LFS):
        return "a pointer of git-LFS, not the file itself: run `git lfs pull` where it was cloned"
    if _ANNEX in head and len(head) < _PEEK:
        return "a pointer of git-annex, not the file itself: run `git annex get` where it was cloned"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        return "a web page, not the file that it was to be: the download gave a notice instead"
    if head.startswith(own):
        return None
    return next((what for magic, what in _MAGIC if head.startswith(magic)), None)
