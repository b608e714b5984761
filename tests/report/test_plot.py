"""Figures as the page draws them: where marks stand, and what they tell."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from bench.report.content.pareto import Interval
from bench.report.document import Report
from bench.report.figures.plot import Axis, Block, Dot, Panel, Path, Rule, axis
from bench.report.formats.plot_svg import panel_svg


def sure(value: float) -> Interval:
    return Interval(value, value, value)


AXIS = Axis("x", 0.0, 10.0, ((0.0, "0"), (10.0, "10")))


def drawn(panel: Panel) -> ET.Element:
    return ET.fromstring(panel_svg(panel, lambda subject: None))


def test_marks_stand_at_their_values() -> None:
    dots = tuple(Dot(x=sure(x), y=sure(y), tone="student", told=f"{x}") for x, y in ((0, 0), (5, 5), (10, 10)))
    found = drawn(Panel(title="t", x=AXIS, y=AXIS, dots=dots)).findall(".//circle")
    xs, ys = ([float(circle.attrib[name]) for circle in found] for name in ("cx", "cy"))
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1]) and xs[0] < xs[2]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2]) and ys[0] > ys[2]


def test_an_interval_is_drawn_and_an_exact_value_has_none() -> None:
    dots = (
        Dot(x=Interval(2, 5, 8), y=sure(5), tone="student", told="a"),
        Dot(x=sure(5), y=sure(1), tone="student", told="b"),
    )
    (whisker,) = drawn(Panel(title="t", x=AXIS, y=AXIS, dots=dots)).findall(".//path[@class='whisker']")
    left, right = re.fullmatch(r"M([\d.]+) [\d.]+H([\d.]+)", whisker.attrib["d"]).groups()  # type: ignore[union-attr]
    low, high = (float(t.attrib["x"]) for t in drawn(Panel(title="t", x=AXIS, y=AXIS)).findall(".//text")[:2])
    assert float(right) - float(left) == pytest.approx(0.6 * (high - low), abs=0.2)


def test_bars_are_as_long_as_their_shares() -> None:
    blocks = tuple(Block(left=a, right=b, row=0, tone="series-0", told="") for a, b in ((0, 2), (2, 10)))
    rows = Axis("", -0.6, 0.6, ((0.0, "m"),))
    widths = [float(r.attrib["width"]) for r in drawn(Panel(title="", x=AXIS, y=rows, blocks=blocks)).iter("rect")]
    assert (widths[1] + 0.8) / (widths[0] + 0.8) == pytest.approx(4, rel=0.01)


def test_an_axis_is_logarithmic_where_values_span_much() -> None:
    wide, narrow = axis("", [1.0, 900.0], str), axis("", [3.0, 5.0], str)
    assert wide.log and not narrow.log and narrow.low == 0
    assert wide.share(1) < wide.share(30) < wide.share(900) < 1
    assert [tick for tick, _ in wide.ticks] == [1.0, 10.0, 100.0, 1000.0]
    assert axis("", [0.0], str).high == 1.0


def test_texts_are_text() -> None:
    bad = "</svg><script>&'\""
    panel = Panel(
        title=bad,
        x=Axis(bad, 0, 1, ((0.0, bad),)),
        y=Axis(bad, 0, 1, ((0.0, bad),)),
        rules=(Rule(0.5, bad),),
        paths=(Path(points=((0, 0), (1, 1)), tone="front", name=bad),),
        dots=(Dot(x=sure(0.5), y=sure(0.5), tone="student", name=bad, told=bad),),
        notes=((0.5, 0.5, bad),),
    )
    root = drawn(panel)
    assert root.find(".//g").attrib["data-told"] == bad  # type: ignore[union-attr]
    assert {element.tag for element in root.iter()} == {"svg", "path", "text", "g", "circle"}


def test_every_mark_of_a_report_tells_something(example_report: Report) -> None:
    plots = {figure.name: figure.plot for figure in example_report.figures}
    assert set(plots) == {"pareto-smoke", "pareto-synth-charades", "throughput", "stages"}
    for plot in plots.values():
        assert plot is not None
        marks = [mark for panel in plot.panels for mark in (*panel.dots, *panel.blocks)]
        assert marks and all(mark.told and mark.subject for mark in marks)
