"""Lines of text: tables of commas or blanks, lists, and whatever has no structure but lines."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.values import NUMBERS, TEXTS

CHANGES = ("cell", "separator", "dropped", "doubled", "joined", "long", "added", "ends", "order")


@st.composite
def _changed(draw: DrawFn, content: bytes) -> Mutation:
    lines = content.decode("utf-8", "surrogateescape").splitlines() or [""]
    kind, place = draw(st.sampled_from(CHANGES)), draw(st.integers(0, len(lines) - 1))
    line = lines[place]
    end = "\n"
    if kind == "cell":
        separator = "," if "," in line else " "
        cells = line.split(separator)
        where = draw(st.integers(0, len(cells) - 1))
        cells[where] = draw(st.sampled_from((*map(str, NUMBERS), *TEXTS)))
        lines[place] = separator.join(cells)
    elif kind == "separator":
        lines[place] = line.replace(" ", draw(st.sampled_from(("", "\t", "  ", "##", "\x00")))).replace("##", "#")
    elif kind == "dropped":
        del lines[place]
    elif kind == "doubled":
        lines[place:place] = [line] * draw(st.sampled_from((1, 2, 1000)))
    elif kind == "joined":
        lines = ["".join(lines)]
    elif kind == "long":
        lines[place] = line * 5000
    elif kind == "added":
        lines.insert(place, draw(st.sampled_from(TEXTS)))
    elif kind == "ends":
        end = draw(st.sampled_from(("\r\n", "\r", "\n\n", "\x00", "\u2028", "")))
    else:
        lines.reverse()
    text = end.join(lines) + end
    return written(f"text {kind}", f"line {place + 1}: {lines[min(place, len(lines) - 1)][:60]!r}", _bytes(text))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def texts(content: bytes) -> SearchStrategy[Mutation]:
    """By line, or by byte."""
    return st.one_of(_changed(content), raw(content))
