"""`python -m bench.peers` as it is typed; where something is to be measured the peer's code is our own student."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.missing import Missing, known
from bench.peers import emet, session
from bench.peers.__main__ import app
from bench.peers.contests import BASE, TWIN, Contest, contests
from bench.peers.document import read, text
from bench.peers.peer import Peer
from bench.peers.tables import tables
from bench.report.formats.markdown import table_markdown
from bench.subjects import build_model
from emtm.errors import ExitCode, UserError
from tests.peers import made_up

TRAINING = Contest("emtm-student", "charades-sta", "train", 16)


def peer(files: dict[str, str]) -> Peer:
    def state(model: str, get: object) -> dict[str, object]:
        contest = Contest(model, "charades-sta", "infer", 1)
        return {name: get(name) for name in build_model(model, contest.config(), contest.shape).state_dict()}

    return Peer(
        name="made-up",
        title="our own student",
        repository="nobody/nothing",
        commit="0123456789" * 4,
        files=files,
        worker=Path(made_up.__file__),
        needs="no TensorFlow",
        state=state,
    )


def run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        app(args=arguments, prog_name="python -m bench.peers")
    return int(stop.value.code or 0)


def checkout(folder: Path, error: float) -> list[str]:
    (folder / made_up.FILE).write_text(str(error), "ascii")
    return ["--code", str(folder), "--python", sys.executable, "-k", "emtm-student and charades and train"]


@pytest.mark.slow
def test_a_comparison_is_made_printed_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(emet, "EMET", peer({}))
    monkeypatch.setattr(session, "PAIRS", (2, 2))
    out = tmp_path / "peers.json"
    assert run([*checkout(tmp_path, 0.0), "--rounds", "2", "--budget", "1e6", "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr()
    assert "round 2 of 2: emtm-student|charades-sta|train|b16" in printed.err
    assert printed.out == out.read_text("utf-8")
    found = read(out)
    assert text(found) == printed.out
    assert (found.rounds, found.peer.commit, found.versions["peer"]["made-up"]) == (2, "0123456789" * 4, "1.0")
    assert isinstance(found.peer.checkout, Missing), "a folder within another repository is no checkout"
    (case,) = found.cases
    assert case.case_id == TRAINING.case_id and len(case.noise) == 2
    base, twin, ours = case.rows
    assert [base.name, twin.name, ours.name] == [BASE, TWIN, "eager"]
    for row in case.rows:
        assert len(row.round_s) == 2 and isinstance(row.reason, Missing)
    assert set(found.versions["eager"]) >= {"torch", "products"}
    parity = known(ours.parity)
    assert parity is not None and parity["loss_rel"] < 1e-6 and parity["step_max_rel"] < 1e-3
    timed, compared = (table_markdown(table) for table in tables(found))
    assert "Beside our own student (nobody/nothing @0123456)" in timed
    assert "emtm-student, charades-sta, training step, 16 at once" in timed and "| eager" in compared
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([made_up.FILE, "peers.json"])


@pytest.mark.slow
def test_another_answer_is_not_timed_and_ends_in_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(emet, "EMET", peer({}))
    monkeypatch.setattr(session, "PAIRS", (2, 2))
    assert run([*checkout(tmp_path, 0.01), "--rounds", "1", "--markdown"]) == ExitCode.CASES
    out = capsys.readouterr().out
    assert "its answer is not the peer's: loss" in out.replace("\\", "") and "peer again" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--code", "nowhere", "--python", sys.executable], "there is no folder nowhere"),
        (["--code", ".", "--python", sys.executable], "models/BaseFast.py is not there"),
        (["--code", ".", "--python", sys.executable, "-k", "vslnet"], "no contest is meant by -k 'vslnet'; there are"),
        (["--code", ".", "--python", sys.executable, "--json", "--markdown"], "exclude each other"),
        (["--code", ".", "--python", sys.executable, "--out", "no/where.json"], "there is no folder"),
        (["--code", "."], "--python"),
    ],
)
def test_wrong_input_is_one_sentence(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.peers", *arguments], capture_output=True, text=True, cwd=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_python_that_cannot_run_the_peer_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    monkeypatch.setattr(emet, "EMET", replace(emet.EMET, files={}))
    assert run(["--code", str(tmp_path), "--python", str(tmp_path / "none")]) == 2
    assert "there is no program" in capsys.readouterr().err
    without = tmp_path / "python"
    without.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n', "ascii")
    without.chmod(0o755)
    assert run(["--code", str(tmp_path), "--python", str(without), "--out", str(tmp_path / "out.json")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "cannot run renjie-liang/EMET, which needs TensorFlow 2.12 to 2.15: " in err
    assert "ModuleNotFoundError" in err and not (tmp_path / "out.json").exists()


def test_help_gives_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Example:" in out and "--code EMET --python tf/bin/python --out peers.json" in out


def test_what_is_no_comparison_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for content in ("[]", '{"schema": "emtm-bench/result"}', '{"schema": "emtm-bench/peers"}', "{"):
        path.write_text(content, "ascii")
        with pytest.raises(UserError) as error:
            read(path)
        assert error.value.exit_code == ExitCode.SCHEMA
    with pytest.raises(UserError, match="there is no file"):
        read(tmp_path / "none.json")


def test_all_that_is_compared() -> None:
    ids = [contest.case_id for contest in contests("")]
    assert len(ids) == len(set(ids)) == 18
    for dataset in ("charades-sta", "activitynet-captions", "tacos"):
        for model in ("emtm-student", "seqpan"):
            assert {f"{model}|{dataset}|infer|b1", f"{model}|{dataset}|infer|b64"} <= set(ids)
        assert {f"emtm-student|{dataset}|train|b16", f"emtm|{dataset}|train|b16"} <= set(ids)
