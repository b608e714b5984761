"""Names and texts of a run file in forms that no reader takes for anything else."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

LONGEST = 400
"""Characters of a label; GitHub's, Bencher's and file systems' limits are counted in bytes, and labels are ASCII."""


def label(text: str, longest: int = LONGEST) -> str:
    """A name for dashboards: `emtm|tacos|cpu` -> `emtm/tacos/cpu`, everything but letters, digits and `_.-~` escaped.

    `|` ends a cell in a Markdown comment and hides a series from asv. Different texts have different labels; one
    that is too long ends in a digest of the whole.
    """
    name = "/".join(quote(part, safe="", errors="surrogatepass") for part in text.split("|"))
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: longest - len(digest) - 1]}~{digest}"


def one_line(text: str) -> str:
    """The text without control characters, line ends, lone surrogates and marks that reorder what is read.

    They are written as Python would escape them, and so are backslashes: different texts stay different.
    """
    return "".join(c if _plain(c) else c.encode("unicode_escape").decode() for c in text)


def _plain(character: str) -> bool:
    return character.isprintable() and character != "\\"
