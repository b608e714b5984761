"""The published counter's blind spot: what fvcore says of VSLNet, and what it misses."""

import pytest

from bench.missing import Missing
from bench.static import analyse_model
from bench.subjects import Shape, make_batch
from tests.models.helpers import paper_model

# words, characters known, fvcore's "FLOPs" and exact MACs in G, measured on the published code.
VSLNET = {
    "charades-sta": (10, 36, 0.0654, 0.0984),
    "activitynet-captions": (25, 55, 0.0737, 0.1067),
    "tacos": (20, 45, 0.0690, 0.1020),
}


@pytest.mark.parametrize("dataset", VSLNET)
def test_fvcore_sees_two_thirds_of_vslnet(dataset: str) -> None:
    words, chars, published, exact = VSLNET[dataset]
    model = paper_model("vslnet", dataset, chars)
    batch = make_batch(Shape(128, words, 10, 7, chars), 1024, 1)
    counts = analyse_model(model, batch)
    seen, exact_macs = counts.crosscheck.fvcore_macs, counts.compute.macs
    assert not isinstance(seen, Missing)
    assert seen / 1e9 == pytest.approx(published, abs=1e-4)
    assert exact_macs / 1e9 == pytest.approx(exact, abs=1e-4)
    assert seen / exact_macs == pytest.approx(published / exact, abs=2e-3)
    assert counts.crosscheck.explained_by == ("aten::lstm",)
    assert counts.crosscheck.unexplained_macs == 0
