"""Who fits, in which order, and what a limit keeps out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.choose.budget import KINDS, Fit, Limit, worst
from bench.choose.candidates import Place, candidates, newest_at
from bench.choose.choice import Choice, choose
from bench.choose.tables import sentences, tables
from bench.missing import Missing
from bench.record import Noise
from bench.report.content.query_cost import Cost
from bench.report.content.seeds import Trained
from bench.results import read_run
from bench.run import Run
from emtm.errors import UserError
from emtm.metrics.published import published
from tests.choose.conftest import EXAMPLE

LATENCY, MEMORY, MACS, _ = KINDS
SYNTH = Place("synth-charades", "cpu", None)
REAL = Place("charades-sta", "cpu", 1)
EXAMPLE_RUN = read_run(EXAMPLE)


def ask(run: Run, place: Place, *limits: Limit, queries: float = 1) -> Choice:
    return choose([run], place, limits, queries)


def fits(choice: Choice) -> dict[str, Fit]:
    return {one.candidate.label: one.fit for one in choice.judged}


@pytest.mark.parametrize(
    ("cost", "fit"),
    [
        (Cost(4, 3, 5), Fit.SURE),
        (Cost(5, 4, 6), Fit.MAYBE),
        (Cost(7, 5, 8), Fit.MAYBE),
        (Cost(7, 5.1, 8), Fit.NO),
        (Cost(1, 1, float("inf")), Fit.MAYBE),
        (Missing("too dear"), Fit.UNKNOWN),
    ],
)
def test_a_cost_keeps_to_a_limit_when_its_bounds_do(cost: Cost | Missing, fit: Fit) -> None:
    assert Limit(LATENCY, 5).fit(cost) is fit


def test_the_worst_news_counts() -> None:
    assert worst([Fit.SURE, Fit.MAYBE]) is Fit.MAYBE
    assert worst([Fit.MAYBE, Fit.UNKNOWN, Fit.SURE]) is Fit.UNKNOWN
    assert worst([Fit.UNKNOWN, Fit.NO]) is Fit.NO
    assert worst([]) is Fit.SURE


def test_measured_models_come_by_accuracy_and_seeds_together(example: Run) -> None:
    choice = ask(example, SYNTH)
    assert [one.candidate.label for one in choice.judged] == ["seqpan", "vslnet", "emtm-student"]
    assert [len(one.candidate.cases) for one in choice.judged] == [3, 3, 3]
    assert all(one.measured and one.fit is Fit.SURE for one in choice.judged)
    headlines = [one.candidate.headline for one in choice.judged]
    assert headlines == sorted(headlines, reverse=True)  # type: ignore[type-var]


def test_a_limit_through_an_interval_is_in_doubt(example: Run) -> None:
    student = ask(example, REAL, Limit(LATENCY, 0.0060))
    assert fits(student)["emtm-student"] is Fit.MAYBE
    assert fits(ask(example, REAL, Limit(LATENCY, 0.0062)))["emtm-student"] is Fit.SURE
    assert fits(ask(example, REAL, Limit(LATENCY, 0.0059)))["emtm-student"] is Fit.NO


def test_noise_takes_the_certainty_and_nothing_else(example: Run) -> None:
    noisy = replace(example, cases=tuple(replace(case, noise=Noise(verdict="noisy")) for case in example.cases))
    assert fits(ask(noisy, REAL, Limit(LATENCY, 0.0062)))["emtm-student"] is Fit.MAYBE
    assert fits(ask(noisy, REAL, Limit(LATENCY, 0.0058)))["emtm-student"] is Fit.NO
    assert fits(ask(noisy, REAL, Limit(MACS, 1e8)))["emtm-student"] is Fit.SURE


def test_published_accuracies_stand_apart_and_are_marked(example: Run) -> None:
    choice = ask(example, REAL)
    assert choice.among(measured=True) == []
    known = {entry.model for entry in published("charades-sta")}
    assert {one.candidate.cases[0].model.name for one in choice.among(measured=False)} <= known
    titles = {table.title: table for table in tables(choice)}
    shown = titles["Accuracy published by others, not measured here"]
    assert all(row[2].text[-1] in "†?" for row in shown.rows)
    assert "emtm-student" in {row[0].text for row in titles["No accuracy known"].rows}


def test_a_synthetic_dataset_has_no_published_accuracy(example: Run) -> None:
    assert ask(example, SYNTH).among(measured=False) == []
    assert all(isinstance(one.accuracy, Trained) for one in candidates(example.cases, SYNTH))


def test_every_published_result_of_a_model_is_a_row(example: Run) -> None:
    rows = [one for one in ask(example, REAL).judged if one.candidate.label == "vslnet"]
    assert len(rows) == sum(entry.model == "vslnet" for entry in published("charades-sta"))


def test_what_a_limit_keeps_out_is_said(example: Run) -> None:
    loose = ask(example, SYNTH)
    assert loose.prices(measured=True) == []
    best, second = (one.costs["latency_s"] for one in loose.judged[:2])
    assert isinstance(best, Cost)
    assert isinstance(second, Cost)
    assert best.low > second.high
    tight = ask(example, SYNTH, Limit(LATENCY, second.high), Limit(MEMORY, 1e9))
    (price,) = tight.prices(measured=True)
    assert (price.limit.kind, price.without.candidate.label) == (LATENCY, "seqpan")
    assert price.best is not None
    assert price.best.candidate.label == "vslnet"
    lines = " ".join(sentences(tight))
    assert "vslnet surely fits" in lines
    assert "Without the limit on latency: seqpan" in lines


def test_nothing_fits_is_said(example: Run) -> None:
    choice = ask(example, SYNTH, Limit(MACS, 1))
    assert choice.within == []
    assert "No model fits." in sentences(choice)
    (others,) = tables(choice)
    assert {row[1].text for row in others.rows} == {"does not fit"}
    assert all("MACs" in row[3].text for row in others.rows)


def test_what_was_not_measured_is_not_known(example: Run) -> None:
    unknown = replace(example.cases[0], latency=Missing("310 GMAC: too dear"))
    choice = ask(replace(example, cases=(unknown,)), REAL, Limit(LATENCY, 1))
    assert fits(choice) == {"emtm-student": Fit.UNKNOWN}
    (table,) = tables(choice)
    assert table.rows[0][3].text == "latency not measured: 310 GMAC: too dear"


@given(loose=st.floats(1e-4, 1), factor=st.floats(0.01, 1), queries=st.sampled_from([1.0, 3.0, 50.0]))
def test_a_tighter_budget_lets_nobody_in(loose: float, factor: float, queries: float) -> None:
    for place in (REAL, SYNTH):
        before = ask(EXAMPLE_RUN, place, Limit(LATENCY, loose), queries=queries)
        after = ask(EXAMPLE_RUN, place, Limit(LATENCY, loose * factor), queries=queries)
        order = list(Fit)
        for one, other in zip(before.judged, after.judged, strict=True):
            assert one.candidate == other.candidate
            assert order.index(other.fit) >= order.index(one.fit)


def test_a_place_where_nothing_ran_says_what_did(example: Run) -> None:
    with pytest.raises(UserError, match=r"on cuda with 1 thread; the runs have .*charades-sta on cpu, 1 thread"):
        candidates(example.cases, Place("charades-sta", "cuda", 1))
    with pytest.raises(UserError, match="no model was measured with single queries on charades on cpu"):
        candidates(example.cases, Place("charades", "cpu", None))


def test_the_newest_run_that_has_the_place_answers(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(request.config.rootpath)
    assert newest_at(Place("synth-charades", "cpu", None)).run_id == "20261123T101911Z-13a7e4"
    with pytest.raises(UserError, match="on tpu"):
        newest_at(Place("synth-charades", "tpu", None))
