"""A sample of the campaign's kills, the same ones each time, and two processes with one `--out`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import emtm.processes
from emtm.processes import held, reserved
from tests.campaign.kills.readers import broken
from tests.campaign.kills.run import Ward, chosen
from tests.campaign.kills.same import differences
from tests.campaign.kills.subject import Subject
from tests.campaign.kills.subjects import SUBJECTS

QUICK = ("train", "soft-labels", "prepare", "history", "export to gab")


def marked(subject: Subject) -> object:
    """A report takes seconds to make, also the one that is there before."""
    marks = [pytest.mark.slow] if subject.name == "report" else []
    return pytest.param(subject, id=subject.name, marks=marks)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    yield Ward(tmp_path_factory.mktemp("kills"))


@contextmanager
def taken(subject: Subject, ward: Ward) -> Iterator[None]:
    """Another process, which is this one, is at work where the command is to write."""
    place = ward.hand / subject.out
    with held(place) if subject.works_in_out else reserved(place):
        yield


@pytest.mark.parametrize("subject", [marked(subject) for subject in SUBJECTS if subject.out])
def test_a_second_process_is_refused(subject: Subject, ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    ward.specimens.put(subject.specimen, ward.hand)
    monkeypatch.setattr(emtm.processes, "_WAIT_S", 0.1)
    before = set(ward.hand.rglob("*"))
    with taken(subject, ward):
        outcome = ward.run(subject)
    assert (outcome.code, outcome.orphans) == (4 if subject.module == "pytest" else 2, False), outcome
    place = "at work in" if subject.works_in_out else "about to write"
    assert f"another process is {place} {subject.out}; wait for it, or" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert set(ward.hand.rglob("*")) == before


@pytest.mark.parametrize("subject", [marked(s) for s in SUBJECTS if s.name in (*QUICK, "report")])
def test_a_kill_loses_nothing_and_leaves_nothing(subject: Subject, ward: Ward) -> None:
    reference, lot = ward.reference(subject), random.Random(subject.name)
    for number in lot.sample(chosen(subject, reference), 1):
        trial = ward.killed_at(subject, reference, number)
        assert not trial.faults, trial


def test_what_is_left_is_seen(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    (subject,) = (subject for subject in SUBJECTS if subject.name == "prepare")
    reference = ward.reference(subject)
    (number,) = (n for n, moment in enumerate(reference.moments, 1) if moment.kind == "written")
    monkeypatch.setattr("emtm.temporary.sweep", lambda folder: None)
    monkeypatch.setattr("emtm.processes.sweep", lambda folder: None)
    faults = ward.killed_at(subject, reference, number).faults
    assert list(faults) == ["leftovers"]
    assert "left at the end: data/.custom.manifest.json." in faults["leftovers"][0]


def test_what_is_half_or_another_is_seen(tmp_path: Path) -> None:
    for name, text in (("expected", '{"a": 1, "seconds": 2}'), ("found", '{"a": 1, "seconds": 3}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.json").write_text(text)
    assert list(broken(tmp_path)) == list(differences(tmp_path / "expected", tmp_path / "found")) == []
    (tmp_path / "found" / "x.json").write_text('{"a": 2, "seconds": 2}')
    (tmp_path / "found" / "y.json").write_text('{"a"')
    (tmp_path / "expected" / "z.json").write_text("1")
    assert list(differences(tmp_path / "expected", tmp_path / "found")) == [
        "not there at the end: z.json",
        "left at the end: y.json",
        "another at the end: x.json",
    ]
    assert [fault.partition(": ")[0] for fault in broken(tmp_path)] == ["not whole"]
