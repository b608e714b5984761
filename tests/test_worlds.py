"""What docs/worlds.md says of the order of models, held against the committed studies."""

from pathlib import Path

from bench.claims.estimate import Estimate
from bench.claims.estimators.rank_agreement import RankAgreement
from bench.claims.evidence import gather
from bench.report.content.study import read_study
from emtm.metrics.metric import SHORT_LIST

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "reports" / "reference"


def test_on_the_smallest_world_every_published_model_is_above_one_that_ignores_the_order_of_words() -> None:
    rows = {row.name: row.measures for row in read_study(REFERENCE / "study-smoke.json").rows}
    example = rows.pop("my-model")
    assert {"seqpan", "vslnet", "student-alone"} <= rows.keys()
    for metric in SHORT_LIST:
        for name, measures in rows.items():
            assert measures[metric].estimate.mean > example[metric].estimate.mean, (name, metric)


def test_how_far_the_order_is_that_on_real_features_is_what_the_claim_finds() -> None:
    evidence = gather(sorted(REFERENCE.glob("study-models-*.json")))
    (part,) = RankAgreement(dataset="synth-charades", beside="charades-sta+5-folds", metric="R1@0.5").parts(evidence)
    assert isinstance(part.found, Estimate)
    page = " ".join((ROOT / "docs" / "worlds.md").read_text("utf-8").split())
    assert f"is {part.found.value:.3f} [{part.found.low:.3f}, {part.found.high:.3f}] (the claim" in page
    assert part.found.low < 0 < part.found.value
    assert "seven models" in page and "over 7 models" in part.found.basis
