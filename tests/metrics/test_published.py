"""Accuracies of papers: where each was read, and what they may stand beside."""

from pathlib import Path

import pytest

from emtm.data.benchmarks import BENCHMARKS
from emtm.metrics.published import MARKS, Published, published, published_beside, recalled

LIST = Path(__file__).parents[2] / "docs/recalled.md"
_ABOUT = """# Accuracies recalled from papers

Remembered, and checked against nothing: leads to look up, no evidence. They stand in no table and are compared with
nothing. One leaves this list when somebody reads it in a source and names that in `emtm/metrics/published.yaml`.
In percent, R1@0.3 / R1@0.5 / R1@0.7 / mIoU.

"""


def recalled_list() -> str:
    """The page that lists what no table shows."""
    lines = []
    for entry in recalled():
        values = (*(entry.r1.get(key) for key in ("0.3", "0.5", "0.7")), entry.miou)
        figures = " / ".join("-" if value is None else f"{value:.2f}" for value in values)
        note = f"; {entry.note}" if entry.note else ""
        tested = f"{entry.dataset}, {entry.split}; features: {entry.features}{note}"
        lines.append(f"- {entry.model} ({tested}): {figures}. To be read in: {entry.source}\n")
    return _ABOUT + "".join(lines)


if __name__ == "__main__":
    LIST.write_text(recalled_list(), "utf-8")


def test_every_entry_is_a_result_with_its_provenance() -> None:
    entries = (*published(), *recalled())
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
    (seqpan,) = (entry for entry in published("charades-sta") if entry.model == "seqpan")
    assert seqpan.cells() == ["73.84†", "60.86†", "41.34†", "53.92†"]
    (pooled, _) = (entry for entry in published("activitynet-captions") if entry.model == "tan2d")
    assert pooled.cells() == ["59.45†", "44.51†", "26.54†", "-"]
    assert pooled.to_json()["measured"] is False


def test_entries_of_other_datasets_are_left_out() -> None:
    assert {entry.dataset for entry in published("tacos")} == {"tacos"}
    assert published("smoke") == ()


def test_what_is_recalled_is_on_a_list_and_in_no_table() -> None:
    assert all(entry.read == "memory" for entry in recalled())
    assert not any(entry.read == "memory" for entry in published())
    assert LIST.read_text("utf-8") == recalled_list(), "python -m tests.metrics.test_published"


def test_nothing_stands_beside_what_only_bears_the_name() -> None:
    assert published_beside("charades-sta", None) == ()
    assert published_beside("charades-sta", "official") == published("charades-sta") != ()


def test_an_entry_without_its_provenance_is_none() -> None:
    with pytest.raises(TypeError):
        Published(model="x", dataset="tacos", split="test", features="I3D", r1={})  # type: ignore[call-arg]
