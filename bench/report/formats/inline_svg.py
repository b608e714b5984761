"""A figure's SVG as a part of an HTML page that lets no style but its own in."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from markupsafe import Markup

from bench.report.figures.style import Figure

_DROPPED = frozenset({"metadata", "style"})
_FOR_ALL = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
"""What matplotlib says of all elements in a style sheet; said of the outermost, it is handed down."""


def inline(figure: Figure) -> Markup:
    """The drawing alone, as wide as its place, with ids of its own, since several share one page.

    Declarations of styles become attributes: a page whose Content-Security-Policy forbids inline styles shows it all
    the same.
    """
    root = ET.fromstring(figure.svg)
    for parent in root.iter():
        for child in [child for child in parent if _local(child.tag) in _DROPPED]:
            parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = _attributes(element, figure.name)
    kept = {name: value for name, value in root.attrib.items() if name not in ("width", "height", "version")}
    root.attrib = {"role": "img", "aria-label": figure.alt, **_FOR_ALL, **kept}
    return Markup(ET.tostring(root, encoding="unicode"))


def _local(name: str) -> str:
    """Without its namespace, which HTML knows."""
    return name.rpartition("}")[2]


def _attributes(element: ET.Element, prefix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in element.attrib.items():
        if name == "style":
            declarations = (part.partition(":") for part in value.split(";") if part.strip())
            found |= {key.strip(): _of_figure(said.strip(), prefix) for key, _, said in declarations}
        elif name == "id":
            found["id"] = f"{prefix}-{value}"
        else:
            found[_local(name)] = _of_figure(value, prefix)
    return found


def _of_figure(value: str, prefix: str) -> str:
    """References to ids, as the ids are called in the page."""
    if value.startswith("#") and not re.fullmatch(r"#[0-9a-f]{6}", value):
        return f"#{prefix}-{value[1:]}"
    return value.replace("url(#", f"url(#{prefix}-")
