"""A reader that ignores the query finds no more in generated videos than the best fixed segment does."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from emtm.data.datasets import open_dataset
from emtm.data.records import FeatureStore, Query
from emtm.data.synthetic import stage as staging
from emtm.data.synthetic.config import WORLDS
from emtm.data.synthetic.generate import generate
from emtm.data.synthetic.stage import stage
from emtm.metrics.blind import durations, normalised, video_only
from emtm.metrics.floors import best_segments
from emtm.metrics.iou import Array
from emtm.metrics.means import hits
from emtm.metrics.truth import annotated_windows, best_iou
from tests.shared import SHARED, needs_shared

MOST = 2.0
"""Points over the best fixed segment."""
SMALL = replace(WORLDS["synth-charades"], feature_dim=128, clips=32)


def above_fixed(train: Sequence[Query], test: Sequence[Query], features: FeatureStore) -> tuple[float, float]:
    """Points of R1@0.5 and of mIoU by which the video-only reader passes the best fixed segment for each."""
    truth, seconds = annotated_windows(test), durations(test)

    def figures(moments: Array) -> Array:
        return np.array(hits(best_iou(moments, truth)).mean(0)[[1, -1]])

    fixed = [figures(segment * seconds) for segment in best_segments(normalised(train))]
    recall, miou = figures(video_only(train, test, features)) - np.max(fixed, 0)
    return float(recall), float(miou)


@pytest.fixture(scope="module")
def annotated() -> dict[str, Sequence[Query]]:
    """Sentences and moments with the statistics of Charades-STA, in place of the real ones."""
    return dict(generate(replace(SMALL, clips=2, queries={"train": 4000, "test": 1000})).splits)


def test_staged_videos_do_not_betray_what_is_asked(annotated: dict[str, Sequence[Query]]) -> None:
    train, test = annotated["train"], annotated["test"]
    assert max(above_fixed(train, test, stage([*train, *test], SMALL))) <= MOST


def test_they_would_if_they_showed_nothing_else(
    annotated: dict[str, Sequence[Query]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_OTHER_EVENTS", 0)
    train, test = annotated["train"], annotated["test"]
    assert min(above_fixed(train, test, stage([*train, *test], SMALL))) > 2 * MOST


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_embedded_worlds(name: str) -> None:
    dataset = open_dataset(name)
    assert max(above_fixed(dataset.splits["train"], dataset.splits["test"], dataset.features)) <= MOST


@needs_shared
@pytest.mark.slow
def test_real_sentences_of_charades() -> None:
    root = SHARED / "data" / "annotations" / "charades-sta"
    dataset = open_dataset("charades-sta", root, "embedded")
    assert max(above_fixed(dataset.splits["train"], dataset.splits["test"], dataset.features)) <= MOST
