"""Accuracies: by their intervals, paired by query where queries are known, and with what training leaves to chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from bench.compare.comparison import Comparison, compare
from bench.compare.finding import Finding
from bench.missing import Missing
from bench.record import CaseRecord, Quality
from bench.verdict import Verdict
from tests.verdict.runs import case, run, scored


def trained(quality: Quality, seed: int = 0, weights: str = "a" * 64, name: str = "emtm") -> CaseRecord:
    return case(name, "synth-charades", seed=seed, quality=quality, weights=weights)


def scores(found: Comparison, seed: int = 0) -> dict[str, Finding]:
    return {f.figure: f for f in found.findings if f.kind == "accuracy" and f.case_id.endswith(f"s{seed}")}


def ious(share: float, queries: int = 1000) -> list[float]:
    """Answers of which this share hit at every threshold."""
    return [0.9] * round(share * queries) + [0.1] * (queries - round(share * queries))


def test_the_same_weights_and_figures_are_the_same_at_any_width() -> None:
    found = compare(*(run(trained(scored(ious(0.8), spread=15.0))) for _ in range(2)))
    assert {finding.verdict for finding in scores(found).values()} == {Verdict.SAME}
    assert set(scores(found)) == {"mIoU", "R1@0.3", "R1@0.5", "R1@0.7"}


def test_a_loss_beyond_both_intervals_is_worse_and_a_gain_better() -> None:
    good, bad = run(trained(scored(ious(0.8)))), run(trained(scored(ious(0.7))))
    lost = compare(good, bad)
    assert {finding.verdict for finding in scores(lost).values()} == {Verdict.WORSE}
    assert lost.exit_code() == 3
    won = compare(bad, good)
    assert {finding.verdict for finding in scores(won).values()} == {Verdict.BETTER}
    assert won.exit_code() == 0
    change = scores(lost)["R1@0.5"].change
    assert change is not None and change.interval is not None and change.called_from is not None
    assert change.value == pytest.approx(-10)
    # Two half widths of 2 points.
    assert change.interval == pytest.approx((-10 - 8**0.5, -10 + 8**0.5))
    assert change.called_from < -(8**0.5)


def test_a_small_loss_within_wide_intervals_cannot_be_told() -> None:
    found = compare(run(trained(scored(ious(0.8)))), run(trained(scored(ious(0.79)))))
    assert {finding.verdict for finding in scores(found).values()} == {Verdict.INCONCLUSIVE}
    assert scores(found)["mIoU"].reason == "too wide an interval over the queries, of the same weights"
    assert found.exit_code() == 6


def test_narrow_intervals_around_the_same_are_the_same() -> None:
    found = compare(run(trained(scored(ious(0.8), spread=0.2))), run(trained(scored(ious(0.801), spread=0.2))))
    assert {finding.verdict for finding in scores(found).values()} == {Verdict.SAME}


def lifted(share: float) -> list[float]:
    """Answers like `ious(0.7)`, of which this share of all was a miss and is a hit now, spread over all videos."""
    hits = ious(0.7)
    hits[700 : 700 + round(1000 * share)] = [0.9] * round(1000 * share)
    return hits


def test_paired_by_query_a_small_gain_is_told() -> None:
    before, after = scored(ious(0.7), keep=True), scored(lifted(0.03), keep=True)
    found = compare(run(trained(before)), run(trained(after)))
    assert {finding.verdict for finding in scores(found).values()} == {Verdict.BETTER}
    unpaired = compare(run(trained(scored(ious(0.7)))), run(trained(scored(lifted(0.03)))))
    assert {finding.verdict for finding in scores(unpaired).values()} == {Verdict.INCONCLUSIVE}


def test_the_order_of_the_queries_does_not_matter() -> None:
    before, after = scored(ious(0.7), keep=True), scored(lifted(0.03), keep=True)
    kept = after.per_query
    assert not isinstance(kept, str) and hasattr(kept, "queries")
    shuffled = np.random.default_rng(0).permutation(len(kept.queries))
    queries = replace(
        kept,
        queries=tuple(kept.queries[i] for i in shuffled),
        videos=tuple(kept.videos[i] for i in shuffled),
        iou=tuple(kept.iou[i] for i in shuffled),
    )
    straight = compare(run(trained(before)), run(trained(after)))
    mixed = compare(run(trained(before)), run(trained(replace(after, per_query=queries))))
    assert scores(straight) == scores(mixed)


def test_other_queries_are_not_paired() -> None:
    before, after = scored(ious(0.7), keep=True), scored(lifted(0.03), keep=True)
    kept = after.per_query
    assert hasattr(kept, "queries")
    renamed = replace(kept, queries=tuple(f"other-{name}" for name in kept.queries))
    found = compare(run(trained(before)), run(trained(replace(after, per_query=renamed))))
    assert {finding.verdict for finding in scores(found).values()} == {Verdict.INCONCLUSIVE}


def seeds(shares: Sequence[float], weights: str) -> list[CaseRecord]:
    return [
        trained(scored(ious(share), spread=0.5), seed=i, weights=f"{weights}{i}" * 32) for i, share in enumerate(shares)
    ]


def test_trained_anew_seeds_tell_what_training_leaves_to_chance() -> None:
    base = seeds([0.80, 0.81, 0.79, 0.80], "a")
    steady = compare(run(*base), run(*seeds([0.60, 0.61, 0.59, 0.60], "b")))
    assert {f.verdict for f in steady.findings if f.kind == "accuracy"} == {Verdict.WORSE}
    wild = seeds([0.80, 0.60, 0.95, 0.70], "a")
    found = compare(run(*wild), run(*seeds([0.70, 0.60, 0.95, 0.70], "b")))
    assert scores(found)["R1@0.5"].verdict is Verdict.SAME
    change = scores(found)["R1@0.5"].change
    assert change is not None and change.called_from is not None
    assert change.called_from < -50


def test_trained_anew_without_enough_seeds_cannot_be_told() -> None:
    found = compare(run(*seeds([0.8, 0.8], "a")), run(*seeds([0.6, 0.6], "b")))
    assert {f.verdict for f in scores(found).values()} == {Verdict.INCONCLUSIVE}
    assert "too few seeds" in scores(found)["mIoU"].reason


def test_without_intervals_nothing_is_told() -> None:
    bare = [replace(scored(ious(share)), ci95=Missing("one video")) for share in (0.8, 0.6)]
    found = compare(run(trained(bare[0])), run(trained(bare[1])))
    assert {f.reason for f in scores(found).values()} == {"there is no interval over the queries"}


def test_another_split_is_another_measurement() -> None:
    other = replace(scored(ious(0.8)), split="val")
    found = compare(run(trained(scored(ious(0.8)))), run(trained(other)))
    assert (found.verdict, found.findings[0].reason) == (Verdict.REDEFINED, "quality.split was test and is val")
