"""Prints the comment in a file, if it has the form that `bench.report ... --markdown` gives it.

The file comes from a job that ran the code of a pull request, so it may hold anything. What passes mentions nobody,
links nowhere and shows no picture: outside <code> there are words and bars, and inside nothing but letters, digits
and numbered characters. Needs Python alone, as nothing is installed where it runs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

MOST_CHARACTERS = 65_000
CODE = re.compile(r"<code>(?:[A-Za-z0-9 ,-]|&#[0-9]{1,7};)*</code>")
LINE = re.compile(r"[A-Za-z0-9 ,;:.*|→-]*")
TAGS = ("<details><summary>Details</summary>", "</details>", "<br>")
LINKS = re.compile(r"www\.|\bGH-[0-9]", re.IGNORECASE)


def offence(text: str) -> str | None:
    """What keeps a text from being posted; None where nothing does."""
    if len(text) > MOST_CHARACTERS:
        return f"it has {len(text)} characters"
    if not text.startswith("**"):
        return "it does not begin with a verdict"
    for number, line in enumerate(text.splitlines(), 1):
        bare = CODE.sub("", line)
        for tag in TAGS:
            bare = bare.replace(tag, "", 1)
        if not LINE.fullmatch(bare) or LINKS.search(bare):
            return f"line {number} holds more than words and code"
    return None


def main(path: Path) -> int:
    """0 and the comment on standard output, or 1 and the reason on standard error."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"error: cannot read {path}: {error}", file=sys.stderr)
        return 1
    found = offence(text)
    if found is not None:
        print(f"error: {path} is no comment of this suite: {found}", file=sys.stderr)
        return 1
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
