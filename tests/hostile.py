"""Texts that would like to be more than text, and every place of a document that one may stand in."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import strategies as st

from bench.codec import decode
from bench.results import validate
from bench.run import Run

Place = tuple[str | int, ...]

HOSTILE = (
    "=cmd|'/C calc'!A0",
    "@SUM(1)",
    "-2+3",
    "\t=1",
    "../../../etc/passwd",
    "..|..|..|etc",
    "/etc/passwd",
    "C:\\CON",
    "a\nb\r\nc\u2028d",
    '"} 1\n# EOF\nx{a="',
    "</script><script>alert(1)</script>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "]]><!--&amp;\x00\x0b\x1b[31m",
    "--><svg/onload=alert(1)><!--",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY y 'z'>]>",
    "\ud800\udfff\ufffe",
    "`|` **x** @everyone ![](x)",
    "[x](javascript:alert(1)) <javascript:alert(1)> [x][y]",
    "\\[x\\](javascript:alert(1))\\",
    "[x]: javascript:alert(1)",
    "![x](javascript:alert(1))",
    "- [ ] # x\n===\n1. x",
    "__x__ ~~y~~ _z_ *w*",
    "```\n<img src=x onerror=alert(1)>\n````",
    "a|b\n|-|-|\n|<b>|",
    "$\\frac{1}{0$ $\\href{javascript:alert(1)}{x}$ \\g<9> \\1",
    "x_bencher_ignore",
    "123e4567-e89b-12d3-a456-426614174000",
    "\u202egpj.exe",
    " ",
    "' OR 1=1; --",
    "{{7*7}}${7*7}%s%n{% raw %}{0.__class__}",
    "$(touch /tmp/x);`id`",
    "&lt;script&gt; &#60;b&#62;",
    "x" * 3000,
)
TEXTS = st.sampled_from(HOSTILE) | st.text(st.characters())


def strings(node: Any, path: Place = ()) -> Iterator[Place]:
    """Places of all strings; keys of mappings are not among them."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        if isinstance(value, str):
            yield (*path, key)
        else:
            yield from strings(value, (*path, key))


def planted(doc: Any, texts: Mapping[Place, str]) -> Any:
    """A copy of the document with texts at these places."""
    found = copy.deepcopy(doc)
    for place, text in texts.items():
        node = found
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = text
    return found


def renamed(node: Any, names: frozenset[str], text: str) -> Any:
    """A copy in which the last key of every mapping that stands under one of `names` is `text`."""
    if isinstance(node, list):
        return [renamed(item, names, text) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: renamed(value, names, text) for key, value in node.items()}
    for key, value in found.items():
        if key in names and isinstance(value, dict) and value:
            last = list(value)[-1]
            found[key] = {text if inner == last else inner: item for inner, item in value.items()}
    return found


def open_places(doc: Any, read: Callable[[Any], object]) -> list[Place]:
    """Places in which any text may stand: `read` does not mind it."""

    def free(place: Place) -> bool:
        try:
            read(planted(doc, {place: "any text"}))
        except Exception:
            return False
        return True

    return [place for place in strings(doc) if free(place)]


def sound(doc: Any) -> Run:
    """The run in a document that follows the schema; raises where it does not."""
    validate(doc)
    return decode(Run, doc)
