"""What others make of files of ours: readers of Markdown and of spreadsheets."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token


def tokens(text: str) -> Iterator[Token]:
    """Everything that Markdown with tables finds in a text, whatever lies within whatever."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    queue = parser.parse(text)
    for token in queue:
        yield token
        queue += token.children or []


def check_csv(text: str) -> None:
    """A table in which no cell is a formula."""
    head, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in (head, *rows):
        assert len(row) == len(head)
        for cell in row:
            assert not re.match(r"[=+@\t\r＝＋－＠]|-(?!\d+(\.\d+)?(e[+-]?\d+)?$)", cell), cell
