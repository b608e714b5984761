"""What is odd about real files, and what is made of each: the parameters of a test, and the table in docs/data.md.

`python -m tests.data.oddities` writes the table; a test fails when it is not today's.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from emtm.data.annotations import read_annotations
from emtm.errors import UserError

DOCS = Path(__file__).parents[2] / "docs" / "data.md"
Place = Callable[[Path], object]
Topic = Literal["Annotations", "Features", "Clocks"]


@dataclass(frozen=True, slots=True)
class Oddity:
    """A file, or a folder of them, as somebody has it."""

    topic: Topic
    what: str
    """In words, for the table."""
    says: str
    """What is said about it, `...` for the rest: all of a refusal, or part of the note that counts what was done."""
    make: Place
    """Puts it into an empty folder, and gives its path where that is not the folder."""
    accepted: bool = True
    read: Callable[[Path], str] = lambda path: read_annotations(path).report.note()
    """What is said about what is accepted."""

    @property
    def name(self) -> str:
        """For the test."""
        return re.sub(r"\W+", "-", f"{self.topic} {self.what}".lower()).strip("-")


def heard(oddity: Oddity, folder: Path) -> tuple[bool, str]:
    """Whether it was accepted, and what was said, without the name of the folder."""
    made = oddity.make(folder)
    try:
        accepted, said = True, oddity.read(made if isinstance(made, Path) else folder)
    except UserError as error:
        accepted, said = False, str(error)
    return accepted, said.replace(f"{folder}/", "").replace(str(folder), "the folder")


def fits(oddity: Oddity, said: str) -> bool:
    """Whether it says what the table says."""
    pattern = ".*".join(map(re.escape, oddity.says.split("...")))
    return bool((re.search if oddity.accepted else re.fullmatch)(pattern, said))


def table() -> str:
    """The table as Markdown, by topic."""
    from tests.data.odd_files import ODDITIES

    lines = []
    for topic in dict.fromkeys(oddity.topic for oddity in ODDITIES):
        lines += ["", f"### {topic}", "", "| What is odd | What is made of it |", "| --- | --- |"]
        for oddity in ODDITIES:
            if oddity.topic == topic:
                done = "accepted" if oddity.accepted else "refused"
                lines.append(f"| {oddity.what} | {done}: `{oddity.says.replace('|', '/')}` |")
    return "\n".join([f"{len(ODDITIES)} of them, each a test (`tests/data/odd_files`):", *lines, ""])


def with_table(text: str) -> str:
    """The text of the page with today's table in its place."""
    begin, end = "<!-- oddities -->\n", "<!-- end of oddities -->"
    head, _, rest = text.partition(begin)
    return f"{head}{begin}\n{table()}\n{end}{rest.partition(end)[2]}"


def main() -> None:
    """Write the table, and print what is said that the table does not say."""
    from tests.data.odd_files import ODDITIES

    for oddity in ODDITIES:
        with tempfile.TemporaryDirectory() as folder:
            accepted, said = heard(oddity, Path(folder))
        if accepted != oddity.accepted or not fits(oddity, said):
            print(f"{oddity.what}\n  table: {oddity.accepted} {oddity.says}\n  said:  {accepted} {said}")
    DOCS.write_text(with_table(DOCS.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
