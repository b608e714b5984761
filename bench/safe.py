"""Text from run files and studies made harmless: a name or a reason in one of them may hold anything.

The one place that knows what a format would take for more than text. `cleaned` is for a whole record, once, before
people read it; `one_line` is for programs, and keeps different texts different. The others are for the place that a
text goes to. HTML and SVG need none: templates and figures escape all that they are given, and no figure reads
formulas in its texts.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

T = TypeVar("T")

LONGEST = 400
"""Characters of a label; GitHub's, Bencher's and file systems' limits are counted in bytes, and labels are ASCII."""
_LONGEST_LINE = 160
_LONGEST_STEM = 80
_STEM = re.compile(r"[a-z0-9][a-z0-9._+-]*")
_DIGEST_END = re.compile(r"-[0-9a-f]{8}$")
_PLAIN = frozenset(f"{string.ascii_letters}{string.digits} ,-")
_FORMULA = tuple("=+-@＝＋－＠'")
"""A text that begins so is run by some spreadsheet, or is one that was escaped already."""
_BLOCK = re.compile(r"^(?=[-#>|+=\[])")
_NUMBER = re.compile(r"^(\d{1,9})(?=[.)])")
_ESCAPED = (
    r"\\(?=[!-/:-@\[-`{-~]|$)|[*`~$]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # within a word it means nothing
)
_OTHERWISE = r"(?P<tag><(?=[A-Za-z/!?]))|(?P<entity>&(?=#?\w+;))"
_MARKUP = re.compile(rf"(?P<escape>{_ESCAPED}|(?<=\])[(\[:])|{_OTHERWISE}")
"""Without a bracket or colon right after its own, nothing in brackets is a link."""
_MARKUP_IN_BRACKETS = re.compile(rf"(?P<escape>{_ESCAPED}|[\[\]])|{_OTHERWISE}")


def clean(text: str) -> str:
    """One line without control, direction or private characters: terminals obey them, XML cannot hold them."""
    return "".join(" " if char.isspace() else "�" if unicodedata.category(char)[0] == "C" else char for char in text)


def cleaned(value: T) -> T:
    """A record with all of its texts as `clean` has them, keys of mappings too."""
    found: Any = value
    if isinstance(value, str):
        found = value if value.isascii() and value.isprintable() else clean(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = dataclasses.replace(
            value, **{field.name: cleaned(getattr(value, field.name)) for field in dataclasses.fields(value)}
        )
    elif isinstance(value, tuple | list):
        numbers = all(type(item) is float for item in value)
        found = value if numbers else type(value)(map(cleaned, value))
    elif isinstance(value, Mapping):
        found = {cleaned(key): cleaned(item) for key, item in value.items()}
    return found  # type: ignore[no-any-return]


def short(text: str, longest: int = _LONGEST_LINE) -> str:
    """As `clean`, and of a bounded length: figures and comments have no room for more."""
    line = clean(text)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def one_line(text: str) -> str:
    """The text without control characters, line ends, lone surrogates and marks that reorder what is read.

    They are written as Python would escape them, and so are backslashes: different texts stay different.
    """
    return "".join(c if _plain(c) else c.encode("unicode_escape").decode() for c in text)


def _plain(character: str) -> bool:
    return character.isprintable() and character != "\\"


def label(text: str, longest: int = LONGEST) -> str:
    """A name for dashboards: `emtm|tacos|cpu` -> `emtm/tacos/cpu`, everything but letters, digits and `_.-~` escaped.

    `|` ends a cell in a Markdown comment and hides a series from asv. Different texts have different labels; one
    that is too long ends in a digest of the whole. No name of a file: that is `file_stem`.
    """
    name = "/".join(quote(part, safe="", errors="surrogatepass") for part in text.split("|"))
    if len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: longest - len(digest) - 1]}~{digest}"


def file_stem(text: str) -> str:
    """A part of the name of a file, which is also an id in HTML: `pareto-tacos` as it is.

    What is not small letters, digits and `._+-`, or too long, is left out, and a digest of the whole stands at the
    end: different texts have different stems, on file systems too that do not tell `A` from `a`.
    """
    if _STEM.fullmatch(text) and len(text) <= _LONGEST_STEM and not _DIGEST_END.search(text):
        return text
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_STEM]
    return f"{plain or 'x'}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def file_stems(texts: Sequence[str]) -> list[str]:
    """As `file_stem`, with numbers where texts are the same: no two stems are alike."""
    stems = [file_stem(text) for text in texts]
    times, seen = Counter(stems), Counter[str]()
    found: dict[str, None] = {}
    for stem in stems:
        seen[stem] += 1
        name = f"{stem}-{seen[stem]}" if times[stem] > 1 else stem
        while name in found or (name != stem and name in times):
            name += "+"
        found[name] = None
    return list(found)


def csv_cell(text: str) -> str:
    """One line that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def markdown(text: str) -> str:
    """One line within a paragraph or a heading: no tag, no link, no picture, no emphasis."""
    return _MARKUP.sub(_escape, " ".join(text.split("\n")))


def _escape(match: re.Match[str]) -> str:
    return {"escape": f"\\{match[0]}", "tag": "&lt;", "entity": "&amp;"}[str(match.lastgroup)]


def markdown_paragraph(text: str) -> str:
    """A paragraph or an item of a list: `markdown`, and not taken for a heading, a list, a box, a rule or code."""
    return _NUMBER.sub(r"\1\\", _BLOCK.sub(r"\\", markdown(text.strip())))


def markdown_cell(text: str) -> str:
    """The text of one cell of a table."""
    return markdown(text).replace("|", "\\|")


def markdown_alt(text: str) -> str:
    """The description of a picture."""
    return _MARKUP_IN_BRACKETS.sub(_escape, " ".join(text.split("\n")))


_LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # Two of them are one ligature, and the first may end in a table what it should not.
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "[": "{[}",
    "]": "{]}",
    "|": r"\textbar{}",
    '"': "''",
    "—": "---",
    "–": "--",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "\u00a0": "~",
    "×": r"$\times$",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "−": "$-$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
}
_LATEX_SUPERSCRIPTS = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_FROM_SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def latex(text: str) -> str:
    """One line of LaTeX that runs no command and ends no cell, with its signs as any engine knows them."""
    line = "".join(_LATEX.get(char, char) for char in clean(text))
    return _LATEX_SUPERSCRIPTS.sub(lambda match: f"$^{{{match[0].translate(_FROM_SUPERSCRIPT)}}}$", line)


def markdown_fence(lines: Sequence[str]) -> str:
    """A block of shell commands, with a fence that none of them can close."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}console", *lines, fence])


def markdown_literal(text: str) -> str:
    """Code for a comment that others read: nobody is mentioned, nothing linked.

    Every character that is not a letter, a digit, a space, a comma or a hyphen is written as a number: nothing is
    left that Markdown or HTML could read.
    """
    return f"<code>{''.join(char if char in _PLAIN else f'&#{ord(char)};' for char in clean(text))}</code>"
