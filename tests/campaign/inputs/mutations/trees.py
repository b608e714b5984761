"""Documents of mappings, lists and values, spoiled by structure: JSON, lines of JSON, YAML."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.campaign.inputs.mutations.mutation import Mutation, written
from tests.campaign.inputs.mutations.raw import raw
from tests.campaign.inputs.mutations.values import NUMBERS, OTHERS, TEXTS, VALUES, dumped
from tests.hostile import Place

Dump = Callable[[Any], bytes]
_SHOWN = 60
CHANGES = ("type", "number", "text", "dropped", "renamed", "doubled", "added", "emptied", "grown", "swapped", "moved")


def places(node: Any, path: Place = ()) -> Iterator[Place]:
    """Of everything in the document, the whole of it first."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def found(doc: Any, place: Place) -> Any:
    """What stands there."""
    for key in place:
        doc = doc[key]
    return doc


def replaced(doc: Any, place: Place, value: Any) -> Any:
    """The document with another value there; it is changed."""
    if not place:
        return value
    found(doc, place[:-1])[place[-1]] = value
    return doc


@st.composite
def spoiled(draw: DrawFn, doc: Any) -> tuple[str, str, Any]:
    """A copy with one to three changes: the kind of the first, all of them in words, and the document."""
    doc, kinds, words = copy.deepcopy(doc), [], []
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        kind, what, doc = draw(_changed(doc))
        kinds.append(kind)
        words.append(what)
    return kinds[0], "; ".join(words), doc


@st.composite
def _changed(draw: DrawFn, doc: Any) -> tuple[str, str, Any]:
    place = draw(_place(doc))
    kind = draw(st.sampled_from(CHANGES))
    here = found(doc, place)
    what = f"{kind} at {_shown(place)}"
    if kind in ("type", "number", "text"):
        value = draw(st.sampled_from({"type": OTHERS, "number": NUMBERS, "text": TEXTS}[kind]))
        return kind, f"{what}: {repr(value)[:_SHOWN]}", replaced(doc, place, copy.deepcopy(value))
    if kind == "dropped" and place:
        del found(doc, place[:-1])[place[-1]]
    elif kind == "renamed" and place and isinstance(place[-1], str):
        parent, name = found(doc, place[:-1]), draw(st.sampled_from(TEXTS))
        parent[name] = parent.pop(place[-1])
    elif kind == "doubled" and place and isinstance(place[-1], int):
        found(doc, place[:-1]).insert(place[-1], copy.deepcopy(here))
    elif kind == "added" and isinstance(here, dict):
        here[draw(st.sampled_from(TEXTS))] = copy.deepcopy(draw(st.sampled_from(VALUES)))
    elif kind == "added" and isinstance(here, list):
        here.append(copy.deepcopy(draw(st.sampled_from(VALUES))))
    elif kind == "emptied":
        doc = replaced(doc, place, type(here)())
    elif kind == "grown" and isinstance(here, list | str):
        doc = replaced(doc, place, here * 50)
    elif kind == "moved":
        doc = replaced(doc, place, [copy.deepcopy(here)])
    else:
        other = draw(_place(doc))
        doc, kind = replaced(doc, place, copy.deepcopy(found(doc, other))), "swapped"
        what = f"{_shown(other)} at {_shown(place)}"
    return kind, what, doc


@st.composite
def _place(draw: DrawFn, doc: Any) -> Place:
    """Down from the whole, so that what lies near it is met as often as what lies deep."""
    place: Place = ()
    while True:
        here = found(doc, place)
        keys = list(here) if isinstance(here, dict) else list(range(len(here))) if isinstance(here, list) else []
        if not keys or draw(st.integers(0, 5)) == 0:
            return place
        place = (*place, draw(st.sampled_from(keys)))


def _shown(place: Place) -> str:
    return ".".join(str(key)[:_SHOWN] for key in place) or "the whole"


def trees(content: bytes, load: Callable[[bytes], Any], dump: Dump) -> SearchStrategy[Mutation]:
    """By structure twice as often as by bytes."""

    def made(change: tuple[str, str, Any]) -> Mutation:
        kind, what, doc = change
        return written(f"tree {kind}", what, dump(doc))

    structured = spoiled(load(content)).map(made)
    return st.one_of(structured, structured, raw(content))


def json_trees(content: bytes) -> SearchStrategy[Mutation]:
    """A JSON file."""
    return trees(content, json.loads, dumped)


def json_lines(content: bytes) -> SearchStrategy[Mutation]:
    """A file of one JSON value a line."""

    def load(text: bytes) -> list[Any]:
        return [json.loads(line) for line in text.splitlines()]

    def dump(doc: Any) -> bytes:
        return b"".join(dumped(line) + b"\n" for line in (doc if isinstance(doc, list) else [doc]))

    return trees(content, load, dump)
