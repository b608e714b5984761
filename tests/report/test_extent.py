"""Figures of very many datasets or models show the first, say so, and leave the rest to the tables."""

from __future__ import annotations

from bench.report.content.cases import Group
from bench.report.figures.extent import MODELS, PANELS, within
from bench.report.figures.stages import stage_figures
from tests.report.records import content
from tests.verdict.runs import case


def test_few_are_shown_as_they_are() -> None:
    groups = content(case("a", "one"), case("b", "one"), case("a", "two")).stage_macs
    shown, said = within(groups)
    assert (shown, said) == (list(groups), "")


def test_many_are_cut_and_counted() -> None:
    cases = [case(f"m{i:03d}", "a-many") for i in range(MODELS + 5)] + [
        case("m000", f"d{i:02d}") for i in range(PANELS)
    ]
    groups = content(*cases).stage_macs
    shown, said = within(groups)
    assert len(groups) == PANELS + 1 and len(shown) == PANELS
    assert max(len(group.rows) for group in shown) == MODELS
    assert said == " Shown are 12 of 13 datasets and 60 of 65 models; the tables have all."
    (figure,) = stage_figures(shown[:1])
    assert isinstance(shown[0], Group) and figure.caption.endswith("The table below has the numbers.")
