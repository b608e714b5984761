"""What the campaign found, as committed: enough was tried, and nothing of it went wrong."""

from __future__ import annotations

from pathlib import Path

from emtm.files import read_json
from tests.campaign.kills.run import FAULTS
from tests.campaign.kills.subjects import SUBJECTS

FOUND = read_json(Path(__file__).resolve().parents[2] / "reports" / "reference" / "campaign.json")


def test_a_thousand_bad_inputs_left_nothing() -> None:
    found = FOUND["inputs"]
    assert found["inputs"] >= 1000 and not found["dirty"]
    assert (found["tracebacks"], found["files_left"], found["failures"]) == (0, 0, [])


def test_kills_at_every_rename_lost_nothing() -> None:
    found = FOUND["kills"]
    assert found["kills"] >= 100 and not found["dirty"] and "cut_off" not in found
    assert set(found["by_command"]) == {subject.name for subject in SUBJECTS}
    assert found["by_moment"]["rename"]["kills"] >= 100
    assert [found[fault] for fault in FAULTS] == [0] * len(FAULTS) and found["failures"] == []
