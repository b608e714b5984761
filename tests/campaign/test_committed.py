"""What the campaign found, as committed: enough was tried, and nothing of it went wrong."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from emtm.files import read_json
from tests.campaign import __main__ as command
from tests.campaign.half import Half
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


def test_one_command_makes_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def half(name: str, option: str, failures: list[str]) -> Half:
        def options(parser: ArgumentParser) -> object:
            return parser.add_argument(option, nargs="?", const="yes")

        def run(given: Namespace) -> dict[str, object]:
            seen.append((name, getattr(given, option.strip("-"))))
            return {"failures": failures}

        return Half(name, name, options, run)

    for failures, code in (([], 0), (["one"], 1)):
        halves = (half("inputs", "--inputs", failures), half("kills", "--every", []))
        monkeypatch.setattr(command, "HALVES", halves)
        assert command.main(["whole", "--out", str(tmp_path / "found.json")]) == code
    assert seen == [("inputs", "1000"), ("kills", "yes")] * 2
    assert set(read_json(tmp_path / "found.json")) == {"inputs", "kills"}
