"""Claims about the order of models, on two studies by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.claims.estimate import Estimate
from bench.claims.estimators.rank_agreement import RankAgreement, spearman
from bench.claims.evidence import gather
from bench.missing import Missing
from tests.report.studies import example_summary, row

ABOUT = {"dataset": "synth-charades", "beside": "kitchen", "metric": "R1@0.5"}
VALUES = st.lists(st.integers(0, 9), min_size=4, max_size=12)


def study(path: Path, dataset: str, accuracies: Mapping[str, float]) -> Path:
    rows: list[dict[str, Any]] = [
        row(name, None, ([value, value], value, 1.0), ([50.0, 50.0], 50.0, 1.0), None)
        for name, value in accuracies.items()
    ]
    doc = {**example_summary(), "dataset": dataset, "rows": rows, "teachers": [], "soft_gradient_ratio": {}}
    path.write_text(json.dumps(doc), "utf-8")
    return path


def found(tmp_path: Path, *studies: tuple[str, Mapping[str, float]]) -> Estimate | Missing:
    paths = [study(tmp_path / f"{number}.json", *one) for number, one in enumerate(studies)]
    (part,) = RankAgreement(**ABOUT).parts(gather(paths))
    return part.found


def test_the_models_that_both_have_are_ranked(tmp_path: Path) -> None:
    """By rank 1 2 3 4 5 beside 1 2 3 5 4: 1 - 6 * 2 / (5 * 24) = 0.9."""
    ours = {"a": 10.0, "b": 20.0, "c": 30.0, "d": 40.0, "e": 90.0, "alone": 1.0}
    theirs = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 5.0, "e": 4.0, "other": 99.0}
    estimate = found(tmp_path, ("synth-charades", ours), ("kitchen", theirs))
    assert isinstance(estimate, Estimate)
    assert estimate.value == pytest.approx(0.9)
    reach = 1.959964 * math.sqrt((1 + 0.81 / 2) / 2)
    assert (estimate.low, estimate.high) == pytest.approx(
        (math.tanh(math.atanh(0.9) - reach), math.tanh(math.atanh(0.9) + reach))
    )
    assert [read.place for read in estimate.read] == ["a, b, c, d, e"] * 2
    assert "5 models" in estimate.basis


def test_the_studies_with_most_models_in_common_are_taken(tmp_path: Path) -> None:
    few, many = dict.fromkeys("abcd", 1.0) | {"a": 2.0}, {name: float(n) for n, name in enumerate("abcdef")}
    estimate = found(tmp_path, ("synth-charades", few), ("synth-charades", many), ("kitchen", many))
    assert isinstance(estimate, Estimate)
    assert estimate.value == pytest.approx(1)
    assert estimate.low < 1


def test_too_few_models_are_missing(tmp_path: Path) -> None:
    three = {"a": 1.0, "b": 2.0, "c": 3.0}
    reason = found(tmp_path, ("synth-charades", three), ("kitchen", three))
    assert isinstance(reason, Missing)
    assert "3 models in common" in str(reason)
    (part,) = RankAgreement(**ABOUT).parts(gather([study(tmp_path / "x.json", "elsewhere", three)]))
    assert isinstance(part.found, Missing)


def test_a_study_without_an_order_is_missing(tmp_path: Path) -> None:
    several = {name: float(n) for n, name in enumerate("abcd")}
    reason = found(tmp_path, ("synth-charades", several), ("kitchen", dict.fromkeys("abcd", 50.0)))
    assert isinstance(reason, Missing)
    assert "there is no order" in str(reason)


@given(VALUES, st.randoms())
def test_it_is_spearmans(xs: list[int], shuffled: Any) -> None:
    ys = [*xs]
    shuffled.shuffle(ys)
    if len({*xs}) == 1:
        with pytest.raises(ValueError, match="nothing to rank"):
            spearman(xs, ys)
        return
    value, low, high = spearman(xs, ys)
    assert value == pytest.approx(stats.spearmanr(xs, ys).statistic)
    assert -1 <= low <= value <= high <= 1
    assert spearman([-x for x in xs], ys) == pytest.approx((-value, -high, -low))
