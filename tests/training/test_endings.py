"""Processes that are killed, stopped, or started twice: nothing outlives its parent, nothing is done twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from emtm.errors import UserError
from emtm.processes import held
from tests.processes import hears_interrupts

TINY = ("--set", "dim=16", "--set", "epochs=200")
TRAIN = ("train", "emtm-student", "--dataset", "smoke", *TINY)
STUDY = (
    *("reproduce", "--dataset", "smoke", "--teachers", "vslnet", "--ablate", "full", "--seeds", "1"),
    *("--set", "vslnet.epochs=200", "--set", "vslnet.dim=16"),
)


def started(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "emtm", *map(str, arguments)]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_interrupts,
    )


def until(holds: Callable[[], object], process: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + 200
    while not holds():
        assert time.monotonic() < ends and process.poll() is None, process.communicate()
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_training_that_is_stopped_says_how_to_go_on_and_a_second_one_is_refused(
    tmp_path: Path, how: signal.Signals
) -> None:
    out = tmp_path / "run"
    with started(*TRAIN, "--out", out) as process:
        until((out / "last.safetensors").exists, process)
        second = started(*TRAIN, "--out", out, "--resume")
        said = second.communicate(timeout=120)[1]
        assert second.returncode == 2
        assert said == f"error: another process is at work in {out}; wait for it, or choose another --out\n"
        process.send_signal(how)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert f"stopped; {out} keeps what was done: the same command with --resume goes on" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_of_a_study_end_with_it(tmp_path: Path, how: signal.Signals) -> None:
    out = tmp_path / "study"
    with started(*STUDY, "--out", out) as process:
        until((out / "teachers/vslnet/last.safetensors").exists, process)
        family = psutil.Process(process.pid).children(recursive=True)
        assert any("spawn_main" in " ".join(child.cmdline()) for child in family)
        process.send_signal(how)
        said = process.communicate(timeout=60)[1]
    _, alive = psutil.wait_procs(family, timeout=20)
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []
    assert (f"stopped; {out} keeps what was done: the same command goes on" in said) == (how is signal.SIGTERM)
    with held(out), held(out / "teachers/vslnet"):
        pass


def test_a_folder_is_held_by_one_and_let_go_by_the_dead(tmp_path: Path) -> None:
    folder = tmp_path / "held"
    code = f"""
import sys, time
from pathlib import Path
from emtm.processes import held
with held(Path({str(folder)!r})):
    (Path({str(folder)!r}) / "file").touch()
    print("held", flush=True)
    time.sleep(1000)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match="another process is at work"), held(folder):
            pytest.fail("held twice")
        holder.kill()
    with held(folder):
        pass
    assert folder.exists()


def test_an_empty_folder_does_not_stay(tmp_path: Path) -> None:
    with held(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a" / "b").exists()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to"), held(tmp_path / name):
        pytest.fail("held a file")


TERMINATED = """
import os, signal, time
from emtm.processes import terminated_as_interrupted
before = signal.getsignal(signal.SIGTERM)
try:
    with terminated_as_interrupted():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
except KeyboardInterrupt:
    print("interrupted", signal.getsignal(signal.SIGTERM) == before)
"""


def test_a_termination_is_an_interrupt_only_meanwhile() -> None:
    """In a process of its own: where it were none, all tests would end with this one."""
    ran = subprocess.run([sys.executable, "-c", TERMINATED], capture_output=True, text=True, check=True)
    assert ran.stdout == "interrupted True\n"
