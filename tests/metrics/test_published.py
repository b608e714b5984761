import pytest

from emtm.data.benchmarks import BENCHMARKS
from emtm.metrics.published import MARKS, Published, published


def test_every_entry_is_a_result_with_its_provenance() -> None:
    entries = published()
    assert len(entries) > 40
    for entry in entries:
        assert entry.dataset in BENCHMARKS
        assert entry.r1.keys() <= {"0.3", "0.5", "0.7"}
        assert all(0 < value < 100 for value in [*entry.r1.values(), entry.miou or 50.0])
        assert entry.r1["0.5"] <= entry.r1.get("0.3", 100.0)
        assert entry.r1.get("0.7", 0.0) <= entry.r1["0.5"]
        assert entry.split and entry.features and entry.source
        assert entry.read in MARKS
        assert entry.read == "memory" or "/" in entry.source  # a repository is named owner/name


def test_figures_carry_the_mark_of_their_provenance() -> None:
    (emtm,) = (entry for entry in published("charades-sta") if entry.model == "emtm")
    assert emtm.cells() == ["72.70?", "57.91?", "39.80?", "53.00?"]
    (pooled, _) = (entry for entry in published("activitynet-captions") if entry.model == "tan2d")
    assert pooled.cells() == ["59.45†", "44.51†", "26.54†", "-"]
    assert pooled.to_json()["measured"] is False


def test_entries_of_other_datasets_are_left_out() -> None:
    assert {entry.dataset for entry in published("tacos")} == {"tacos"}
    assert published("smoke") == ()


def test_an_entry_without_its_provenance_is_none() -> None:
    with pytest.raises(TypeError):
        Published(model="x", dataset="tacos", split="test", features="I3D", r1={})  # type: ignore[call-arg]
