"""A selftest that is cut off and gone on with, on a machine whose speed is made up."""

import json
from pathlib import Path

import pytest

from bench.instruments.environment import EnvironmentWindow
from bench.missing import Missing
from bench.selftest.document import Selftest, Sitting, document, lines, text
from bench.selftest.gate import Gate, sessions
from bench.selftest.reading import read_selftest
from bench.selftest.truths import Truth
from emtm.errors import ExitCode, UserError
from tests.ab.machine import Machine

CASES = {"a": 0.01, "b": 0.02}


@pytest.fixture(scope="module")
def found() -> Selftest:
    environment = EnvironmentWindow().close(Missing("made up"))
    gate = Gate(tuple(sessions(list(CASES), 4, 2, Machine({"base": CASES, "head": CASES}).start, 1e9)))
    return Selftest([Sitting("2026-01-02T03:04:05Z", 7, [Truth("ten", 10, 10.1, "s", 0.1)], gate, environment)])


def test_what_was_written_is_read_back(found: Selftest, tmp_path: Path) -> None:
    (tmp_path / "selftest.json").write_text(text(found))
    again = read_selftest(tmp_path / "selftest.json")
    assert document(again) == document(found)
    assert again.gate.unchanged == found.gate.unchanged
    assert again.exit_code is ExitCode.FINE


def test_a_wrong_instrument_of_an_earlier_sitting_counts(found: Selftest) -> None:
    (sitting,) = found.sittings
    wrong = Sitting("2026-01-01T03:04:05Z", 6, [Truth("ten", 10, 20, "s", 0.1)], Gate(()), sitting.environment)
    both = Selftest([wrong, sitting])
    assert both.exit_code is ExitCode.ENVIRONMENT
    assert "  WRONG ten: 20 s, not 10 s" in lines(both)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("[]", "is no emtm-bench/selftest"),
        ('{"schema": "emtm-bench/selftest", "schema_version": "1.0.0"}', "is no emtm-bench/selftest"),
        ('{"schema": "emtm-bench/selftest", "schema_version": "2.0.0"}', "cannot be gone on with: KeyError"),
        ("{", "JSON"),
    ],
)
def test_what_is_no_selftest_is_refused(tmp_path: Path, broken: str, said: str) -> None:
    (tmp_path / "selftest.json").write_text(broken)
    with pytest.raises(UserError, match=said):
        read_selftest(tmp_path / "selftest.json")


def test_damaged_sessions_are_refused(found: Selftest, tmp_path: Path) -> None:
    doc = json.loads(text(found))
    doc["sittings"][0]["sessions"][0]["trials"][0]["verdict"] = "perhaps"
    (tmp_path / "selftest.json").write_text(json.dumps(doc))
    with pytest.raises(UserError, match="cannot be gone on with: ValueError"):
        read_selftest(tmp_path / "selftest.json")
