"""Seeds of one model become one entry, with its floors and its costs."""

import pytest

from bench.missing import Missing
from bench.report.content.seeds import trained_models
from bench.report.content.standings import contests
from emtm.errors import UserError
from emtm.metrics.metric import HEADLINE, METRICS
from tests.report.conftest import Doc, content_of, run_of


def trained(doc: Doc, model: str = "seqpan", dataset: str = "synth-charades") -> list[Doc]:
    return [c for c in doc["cases"] if c.get("quality") and c["case_id"].startswith(f"{model}|{dataset}|")]


def only(doc: Doc, cases: list[Doc]) -> Doc:
    return {**doc, "cases": cases}


def test_a_case_in_two_runs_is_refused(doc: Doc) -> None:
    with pytest.raises(UserError, match=r"is in run .* and again in run 20261122T190000Z-ffffff"):
        content_of(doc, {**doc, "run_id": "20261122T190000Z-ffffff"})


def test_seeds_become_mean_range_and_number(doc: Doc) -> None:
    cases = trained(doc)
    for case, value in zip(cases, (50.0, 52.0, 57.0), strict=True):
        case["quality"]["r1"]["0.5"] = value
        case["quality"]["ci95"]["r1"]["0.5"] = [value - 2, value + 3]
    (model,) = trained_models(run_of(only(doc, cases)).cases)
    spread = model.accuracy[HEADLINE]
    assert spread.mean == model.headline == 53.0
    assert (spread.lowest, spread.highest) == (50.0, 57.0)
    assert (spread.low, spread.high) == (48.0, 60.0)
    assert model.seeds == 3


def test_a_time_over_seeds_is_the_median_within_the_envelope(doc: Doc) -> None:
    cases = trained(doc)
    for case, value in zip(cases, (0.010, 0.011, 0.020), strict=True):
        case["latency"] |= {"median": value, "median_ci99": [value - 0.001, value + 0.001]}
    cases[2]["latency"] |= {"median_ci99": None, "median_ci99_reason": "n=5 < 8 samples"}
    (model,) = trained_models(run_of(only(doc, cases)).cases)
    assert model.latency_s == 0.011
    assert model.latency_ci99_s == pytest.approx((0.009, 0.012))


def test_a_cost_that_no_seed_has_keeps_its_reason(doc: Doc) -> None:
    cases = trained(doc)
    for case in cases:
        case |= {"memory": None, "memory_reason": "too dear"}
    (model,) = trained_models(run_of(only(doc, cases)).cases)
    assert model.tensor_peak_bytes == Missing("too dear")


def test_runs_told_apart_by_a_tag_are_not_seeds_of_one_another(doc: Doc) -> None:
    cases = trained(doc)
    for seed, case in enumerate(cases):
        case["case_id"] += "" if seed == 0 else f"|no-teacher-s{seed}"
    models = trained_models(run_of(only(doc, cases)).cases)
    assert [(model.identity.tag, model.seeds) for model in models] == [("", 1), ("no-teacher", 2)]
    (contest,) = contests(models)
    assert {entry.label for entry in contest.entries} == {"seqpan", "seqpan (no-teacher)"}


def test_real_annotations_with_generated_features_are_synthetic(doc: Doc) -> None:
    cases = trained(doc)
    for case in cases:
        case["quality"]["dataset"] = "charades-sta"
    cases[0]["quality"]["synthetic"] = False
    models = trained_models(run_of(only(doc, cases)).cases)
    assert [(model.scope.title, model.seeds) for model in models] == [
        ("charades-sta", 1),
        ("charades-sta (synthetic)", 2),
    ]


def test_the_best_floor_is_that_of_the_metric(doc: Doc) -> None:
    cases = trained(doc)
    for case in cases:
        case["quality"]["floors"]["query_only"]["r1"]["0.5"] = 30.0
    (model,) = trained_models(run_of(only(doc, cases)).cases)
    assert not isinstance(model.floors, Missing)
    assert {floor.name for floor in model.floors} == {"fixed-best", "query-only"}
    assert model.best_floor(HEADLINE) == ("query-only", 30.0)
    assert model.best_floor(METRICS[-1]) == ("fixed-best", 27.9)


def test_floors_that_are_not_there_say_why(doc: Doc) -> None:
    cases = trained(doc)
    for case in cases:
        case["quality"] |= {"floors": None, "floors_reason": "no training split"}
    (model,) = trained_models(run_of(only(doc, cases)).cases)
    assert model.best_floor(HEADLINE) == Missing("no training split")
