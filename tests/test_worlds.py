"""What docs/worlds.md says of the order of models, held against the committed studies."""

from pathlib import Path

from bench.report.content.study import read_study
from emtm.metrics.metric import SHORT_LIST

REFERENCE = Path(__file__).resolve().parents[1] / "reports" / "reference"


def test_on_the_smallest_world_every_published_model_is_above_one_that_ignores_the_order_of_words() -> None:
    rows = {row.name: row.measures for row in read_study(REFERENCE / "study-smoke.json").rows}
    example = rows.pop("my-model")
    assert {"seqpan", "vslnet", "student-alone"} <= rows.keys()
    for metric in SHORT_LIST:
        for name, measures in rows.items():
            assert measures[metric].estimate.mean > example[metric].estimate.mean, (name, metric)
