"""The metrics are named once: keys, titles, and values read from records and from JSON."""

import numpy as np
import pytest

from emtm.metrics.means import Means
from emtm.metrics.metric import HEADLINE, HEADLINE_OF_FIVE, METRICS, MIOU, SHORT_LIST, THRESHOLDS, Metric, written
from emtm.metrics.scoring import Intervals


def test_keys_and_titles() -> None:
    assert [metric.key for metric in METRICS] == ["r1_0.3", "r1_0.5", "r1_0.7", "miou"]
    assert [metric.title for metric in METRICS] == ["R1@0.3", "R1@0.5", "R1@0.7", "mIoU"]
    assert (HEADLINE_OF_FIVE.key, HEADLINE_OF_FIVE.title) == ("r5_0.5", "R5@0.5")
    assert set(SHORT_LIST) <= set(METRICS)


def test_values_of_records_and_of_their_json_agree() -> None:
    means = Means.of(np.array([0.2, 0.4, 0.6, 0.8]))
    values = [75.0, 50.0, 25.0, 50.0]
    assert [metric.of(means) for metric in METRICS] == values
    assert [metric.read(means.to_json()) for metric in METRICS] == values
    assert [metric.read(written(means)) for metric in METRICS] == values


def test_intervals_are_read_like_values() -> None:
    found = Intervals(r1={"0.5": (1.0, 2.0)}, miou=(3.0, 4.0))
    assert (HEADLINE.of(found), MIOU.of(found)) == ((1.0, 2.0), (3.0, 4.0))


def test_what_is_not_there_is_none() -> None:
    other = Metric("r1", 0.1)
    assert other.of(Means.of(np.ones(2))) is None
    assert other.read({"r1": {"0.5": 1.0}}) is None
    assert HEADLINE_OF_FIVE.read({"r1": {"0.5": 1.0}, "r5": None}) is None
    assert MIOU.read({}) is None


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_every_threshold_is_scored(threshold: float) -> None:
    assert Metric("r1", threshold).of(Means.of(np.array([threshold]))) == 100
