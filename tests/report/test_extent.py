"""Figures of very many datasets or models show the first, say so, and leave the rest to the tables."""

from __future__ import annotations

from bench.report.content.cases import Group
from bench.report.figures.extent import MODELS, PANELS, foremost, within
from bench.report.figures.stages import stage_figures
from tests.report.records import content
from tests.verdict.runs import case, scored


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


def test_of_many_models_those_of_a_front_are_shown_and_then_the_best() -> None:
    # The first is the least accurate and the cheapest: dominated by none. All others cost the same, so one leads.
    hits = [[0.6] * (i + 1) + [0.1] * (MODELS + 4 - i) for i in range(MODELS + 4)]
    cases = [
        case(
            f"m{i:03d}",
            seconds=1e-3 if i == 0 else 1e-2,
            macs=1000 + (i > 0),
            params=100 + (i > 0),
            quality=scored(hit),
        )
        for i, hit in enumerate(hits)
    ]
    found = content(*cases)
    ((tradeoff, said),) = foremost(found.tradeoffs)
    names = [entry.label for entry in tradeoff.entries]
    assert names == ["m000", *(f"m{i:03d}" for i in range(5, MODELS + 4))]
    assert all({one.entry.label for one in placed} <= set(names) for _, placed in tradeoff.panels)
    assert said == f" Shown are {MODELS} of {MODELS + 4} models; the tables have all."
