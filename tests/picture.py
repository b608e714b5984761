"""The rooms of the project and who imports whom, drawn from the import statements.

`python -m tests.picture` writes docs/layers.svg; a test holds that the committed picture is today's.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from tests.imports import imports

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "layers.svg"
TOGETHER = {
    "emtm ground": ("emtm", "emtm.errors", "emtm.config", "emtm.files", "emtm.processes", "emtm.temporary"),
    "emtm.cli": ("emtm.__main__",),
    "bench ground": ("bench", "bench.discovery", "bench.stages", "bench.profiles", "bench.git"),
    "bench records": (
        "bench.missing",
        "bench.codec",
        "bench.record",
        "bench.run",
        "bench.results",
        "bench.schema",
        "bench.gpu_record",
    ),
    "bench verdicts": ("bench.stats", "bench.verdict", "bench.selection", "bench.typical"),
    "bench cases": ("bench.cases", "bench.subjects", "bench.sample_video"),
    "bench workbench": ("bench.workbench", "bench.static", "bench.budget", "bench.count"),
    "bench.measures": ("bench.measure",),
    "bench.isolation": ("bench.lab",),
    "bench session": ("bench.conftest", "bench.fixtures", "bench.test_*"),
}
"""Modules that are one room in the picture, because each alone would be a crumb."""

Graph = Mapping[str, frozenset[str]]

_WIDTH, _ROW, _BOX_HEIGHT, _LETTER, _GAP = 1080, 84, 34, 7.4, 26
_FILL = {"emtm": "#dbe8f6", "baselines": "#dff0e4", "bench": "#fbe9d2"}


def room(module: str) -> str:
    """`bench.instruments.flops` -> `bench.instruments`; crumbs by TOGETHER; the baselines are one room."""
    if module == "bench.report.__main__":
        return "bench.cli"  # Its only line starts the commands.
    short = "baselines" if module.startswith("baselines") else ".".join(module.split(".")[:2])
    return next((name for name, members in TOGETHER.items() if any(fnmatch(short, m) for m in members)), short)


@cache
def graph(root: Path = ROOT) -> Graph:
    """Room -> rooms that it imports."""
    found: dict[str, set[str]] = {}
    for one in imports(root):
        here, there = room(one.module), room(one.target)
        found.setdefault(here, set()).update({there} - {here})
        found.setdefault(there, set())
    return {name: frozenset(below) for name, below in sorted(found.items())}


def levels(rooms: Graph) -> dict[str, int]:
    """Height of each room: one above the highest that it imports. Raises ValueError for a circle."""
    done: dict[str, int] = {}

    def height(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            raise ValueError(f"rooms import each other in a circle: {' -> '.join((*above[above.index(name) :], name))}")
        if name not in done:
            done[name] = 1 + max((height(below, (*above, name)) for below in rooms[name]), default=-1)
        return done[name]

    for name in rooms:
        height(name, ())
    return done


def arrows(rooms: Graph) -> list[tuple[str, str]]:
    """Imports that no chain of others implies: what is left when the picture is freed of shortcuts."""

    @cache
    def reach(name: str) -> frozenset[str]:
        return frozenset().union(rooms[name], *(reach(below) for below in rooms[name]))

    return [
        (name, below)
        for name in rooms
        for below in sorted(rooms[name])
        if not any(below in reach(other) for other in rooms[name] if other != below)
    ]


def picture(rooms: Graph) -> str:
    """The SVG: ground at the bottom, an arrow from each room to those it stands on."""
    heights = levels(rooms)
    top = max(heights.values())
    rows = [[name for name in rooms if heights[name] == level] for level in range(top + 1)]
    spots: dict[str, tuple[float, float, float]] = {}
    for level, names in enumerate(rows):
        widths = [_LETTER * len(name) + 24 for name in names]
        x = (_WIDTH - sum(widths) - _GAP * (len(names) - 1)) / 2
        for name, width in zip(names, widths, strict=True):
            spots[name] = (x, 16 + _ROW * (top - level), width)
            x += width + _GAP
    height = 32 + _ROW * top + _BOX_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        'font-size="13" role="img" aria-label="Rooms of the project; each imports only rooms below it">',
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
    ]
    for name, below in arrows(rooms):
        (x0, y0, w0), (x1, y1, w1) = spots[name], spots[below]
        start, end = (x0 + w0 / 2, y0 + _BOX_HEIGHT), (x1 + w1 / 2, y1)
        bend = (end[1] - start[1]) / 2
        lines.append(
            f'<path d="M{start[0]:.0f} {start[1]:.0f} C{start[0]:.0f} {start[1] + bend:.0f} {end[0]:.0f} '
            f'{end[1] - bend:.0f} {end[0]:.0f} {end[1]:.0f}" fill="none" stroke="#8a97a6" stroke-width="1.2"/>'
        )
    for name, (x, y, width) in spots.items():
        fill = _FILL[name.split(".")[0].split()[0]]
        lines.append(
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{_BOX_HEIGHT}" rx="5" fill="{fill}" '
            f'stroke="#5f6c7b"/><text x="{x + width / 2:.0f}" y="{y + 22:.0f}" text-anchor="middle" '
            f'fill="#1f2933">{html.escape(name)}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(graph()), "utf-8")
