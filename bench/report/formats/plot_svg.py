"""Plots of the page as SVG without colours of its own: its style knows them, for light and for dark.

Each panel is as wide as a phone, so that its texts are read at any width; wider pages hold several side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from markupsafe import Markup

from bench.report.content.subject import Subject
from bench.report.figures.placing import Box, nearest, needs_leader, place, spread
from bench.report.figures.plot import Block, Dot, Key, Panel, Path, Shape, Tile
from bench.safe import short

NameOf = Callable[[Subject | None], str | None]

_WIDTH, _HEIGHT, _ROW = 380.0, 270.0, 24.0
_TOP, _RIGHT, _BOTTOM, _LEFT = 12.0, 12.0, 42.0, 48.0
_LETTER, _LINE = 6.3, 13.0
"""Width and height of a letter, about."""
_LONGEST_ROW, _LONGEST_NAME = 22, 30


class _Place:
    """Where things are in a panel, in units of its drawing."""

    def __init__(self, panel: Panel) -> None:
        rows = bool(panel.blocks) or not panel.y.title
        longest = max((len(short(text, _LONGEST_ROW)) for _, text in panel.y.ticks), default=0)
        names = max((len(short(path.name, _LONGEST_ROW)) for path in panel.paths), default=0)
        self.panel, self.rows = panel, rows
        self.left = 10 + _LETTER * longest if rows else _LEFT
        self.right = _WIDTH - _RIGHT - (_LETTER * names + 8 if names else 0)
        self.height = _TOP + _BOTTOM + _ROW * (panel.y.high - panel.y.low) if rows else _HEIGHT
        self.bottom = self.height - _BOTTOM

    def x(self, value: float) -> float:
        return self.left + self.panel.x.share(value) * (self.right - self.left)

    def y(self, value: float) -> float:
        return self.bottom - self.panel.y.share(value) * (self.bottom - _TOP)


def panel_svg(panel: Panel, name_of: NameOf) -> Markup:
    """One panel; what can be read carries `data-told`, what it is about `data-subject`."""
    at = _Place(panel)
    return Markup('<svg class="panel" aria-hidden="true" viewBox="0 0 {} {:.0f}">{}{}{}{}{}{}{}</svg>').format(
        f"{_WIDTH:.0f}",
        at.height,
        _frame(at),
        _all(_tile(at, tile) for tile in panel.tiles),
        _all(_rule(at, rule.at, rule.text, upright=rule.upright) for rule in panel.rules),
        _paths(at, panel.paths, name_of),
        _all(_block(at, block, name_of) for block in panel.blocks),
        _all(_text("note", at.x(x), at.y(y) + 4, text) for x, y, text in panel.notes),
        _dots(at, panel.dots, name_of),
    )


def key_svg(key: Key) -> Markup:
    """The mark of a line of the legend."""
    return Markup('<svg class="key {}{}" aria-hidden="true" viewBox="0 0 16 16">{}</svg>').format(
        key.tone, " hollow" if key.hollow else "", _shape(key.shape, 8, 8)
    )


def _frame(at: _Place) -> Markup:
    x, y = at.panel.x, at.panel.y
    lines = [f"M{at.x(tick):.1f} {_TOP:.0f}V{at.bottom:.1f}" for tick, _ in x.ticks]
    lines += [] if at.rows else [f"M{at.left:.1f} {at.y(tick):.1f}H{at.right:.1f}" for tick, _ in y.ticks]
    length = _LONGEST_ROW if at.rows else 12
    texts = [_text("middle", at.x(tick), at.bottom + 15, short(text, 12)) for tick, text in x.ticks]
    texts += [_text("end", at.left - 5, at.y(tick) + 4, short(text, length)) for tick, text in y.ticks]
    texts.append(_text("title middle", (at.left + at.right) / 2, at.height - 8, x.title))
    return Markup('<path class="grid" d="{}"/>{}').format("".join(lines), _all(texts))


def _rule(at: _Place, value: float, text: str, *, upright: bool) -> Markup:
    if upright:
        return Markup('<path class="rule upright" d="M{:.1f} {:.1f}V{:.1f}"/>').format(at.x(value), _TOP, at.bottom)
    line = Markup('<path class="rule" d="M{:.1f} {:.1f}H{:.1f}"/>').format(at.left, at.y(value), at.right)
    return line + _text("end", at.right, at.y(value) - 4, text)


def _tile(at: _Place, tile: Tile) -> Markup:
    left, right, top, bottom = at.x(tile.left), at.x(tile.right), at.y(tile.high), at.y(tile.low)
    return Markup(
        '<g class="mark tile {}" data-told="{}"><rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/></g>'
    ).format(tile.tone, tile.told, left, top, max(right - left, 0.4), max(bottom - top, 0.4))


def _paths(at: _Place, paths: Sequence[Path], name_of: NameOf) -> Markup:
    """Lines, with their names at the right end, kept apart."""
    named = [path for path in paths if path.name]
    heights = spread([at.y(path.points[-1][1]) for path in named], _LINE, _TOP + 4, at.bottom - 2)
    drawn = _all(
        Markup('<path class="line {}{}"{} d="{}"/>').format(
            path.tone,
            " dashed" if path.dashed else "",
            _about(path.subject, name_of),
            "M" + "L".join(f"{at.x(x):.1f} {at.y(y):.1f}" for x, y in path.points),
        )
        for path in paths
    )
    texts = _all(
        Markup('<path class="leader" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(
            at.x(path.points[-1][0]) + 4, at.y(path.points[-1][1]), at.right + 4, height
        )
        + Markup('<text class="ends {}"{} x="{:.1f}" y="{:.1f}">{}</text>').format(
            path.tone, _about(path.subject, name_of), at.right + 6, height + 4, short(path.name, _LONGEST_ROW)
        )
        for path, height in zip(named, heights, strict=True)
    )
    return drawn + texts


def _block(at: _Place, block: Block, name_of: NameOf) -> Markup:
    left, right, middle = at.x(block.left), at.x(block.right), at.y(block.row)
    return Markup(
        '<g class="mark block {}"{} data-told="{}"><rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="17"/>{}</g>'
    ).format(
        block.tone,
        _about(block.subject, name_of),
        block.told,
        left,
        middle - 8.5,
        max(right - left - 0.8, 0.4),
        _text("inside middle", (left + right) / 2, middle + 4, block.text) if block.text else "",
    )


def _dots(at: _Place, dots: Sequence[Dot], name_of: NameOf) -> Markup:
    """Marks with their intervals, then their names where they cover as little as possible."""
    named = [dot for dot in dots if dot.name]
    return _all(_dot(at, dot, name_of) for dot in dots) + _names(at, named, name_of)


def _dot(at: _Place, dot: Dot, name_of: NameOf) -> Markup:
    x, y = at.x(dot.x.value), at.y(dot.y.value)
    whiskers = f"M{at.x(dot.x.low):.1f} {y:.1f}H{at.x(dot.x.high):.1f}" if dot.x.low != dot.x.high else ""
    whiskers += f"M{x:.1f} {at.y(dot.y.low):.1f}V{at.y(dot.y.high):.1f}" if dot.y.low != dot.y.high else ""
    return Markup('<g class="mark {}{}"{} data-told="{}">{}{}{}</g>').format(
        dot.tone,
        " hollow" if dot.hollow else "",
        _about(dot.subject, name_of),
        dot.told,
        Markup('<path class="whisker" d="{}"/>').format(whiskers) if whiskers else "",
        Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="7"/>').format(x, y) if dot.ringed else "",
        _shape(dot.shape, x, y, 5.0 if dot.name or dot.x.low != dot.x.high else 3.2),
    )


def _names(at: _Place, dots: Sequence[Dot], name_of: NameOf) -> Markup:
    anchors = [(at.x(dot.x.value), at.y(dot.y.value)) for dot in dots]
    names = [short(dot.name, _LONGEST_NAME) for dot in dots]
    boxes = place(
        anchors,
        [(_LETTER * len(name) + 8, _LINE) for name in names],
        [*(box for dot in dots for box in _taken(at, dot)), *_strokes(at)],
        Box(at.left, _TOP - 8, _WIDTH - 2, at.bottom),
    )
    return _all(
        _leader(anchor, box)
        + Markup('<text class="name middle"{} x="{:.1f}" y="{:.1f}">{}</text>').format(
            _about(dot.subject, name_of), (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2 + 4, name
        )
        for dot, name, anchor, box in zip(dots, names, anchors, boxes, strict=True)
    )


def _taken(at: _Place, dot: Dot) -> list[Box]:
    x, y = at.x(dot.x.value), at.y(dot.y.value)
    return [
        Box(x - 6, y - 6, x + 6, y + 6),
        Box(x - 1.5, at.y(dot.y.high), x + 1.5, at.y(dot.y.low)),
        Box(at.x(dot.x.low), y - 1.5, at.x(dot.x.high), y + 1.5),
    ]


def _strokes(at: _Place) -> list[Box]:
    """Upright and level parts of the lines, and the texts of the rules."""
    found = []
    for path in at.panel.paths:
        corners = [(at.x(x), at.y(y)) for x, y in path.points]
        for (x0, y0), (x1, y1) in pairwise(corners):
            found.append(Box(min(x0, x1) - 1.5, min(y0, y1) - 1.5, max(x0, x1) + 1.5, max(y0, y1) + 1.5))
    for rule in at.panel.rules:
        if rule.text:
            height = at.y(rule.at)
            found.append(Box(at.right - _LETTER * len(rule.text), height - 15, at.right, height + 1))
    return found


def _leader(anchor: tuple[float, float], box: Box) -> Markup:
    if not needs_leader(anchor, box):
        return Markup("")
    x, y = nearest(anchor, box)
    return Markup('<path class="leader" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(*anchor, x, y)


def _shape(shape: Shape, x: float, y: float, size: float = 5.0) -> Markup:
    """A mark around a point."""
    if shape == "circle":
        return Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(x, y, size)
    if shape == "triangle":
        data = f"M{x - size:.1f} {y + size * 0.8:.1f}L{x:.1f} {y - size:.1f}L{x + size:.1f} {y + size * 0.8:.1f}Z"
    elif shape == "cross":
        data = f"M{x - size:.1f} {y - size:.1f}L{x + size:.1f} {y + size:.1f}"
        data += f"M{x + size:.1f} {y - size:.1f}L{x - size:.1f} {y + size:.1f}"
    elif shape == "line":
        data = f"M{x - 7:.1f} {y:.1f}h14"
    else:
        half = size if shape == "block" else size * 0.88
        data = f"M{x - half:.1f} {y - half:.1f}h{2 * half:.1f}v{2 * half:.1f}h{-2 * half:.1f}Z"
    return Markup('<path class="dot" d="{}"/>').format(data)


def _about(subject: Subject | None, name_of: NameOf) -> Markup:
    name = name_of(subject)
    return Markup(' data-subject="{}"').format(name) if name else Markup("")


def _text(name: str, x: float, y: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(name, x, y, text) if text else Markup("")


def _all(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
