"""Threads, cores and allocator of a process that measures are settled before it imports anything."""

from __future__ import annotations

import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import torch

from bench.isolation import process as isolation
from bench.isolation.process import Process
from bench.profiles import PROFILES, Profile
from bench.settled import settled, told


def tell(line: Connection, profile: Profile) -> None:
    """In the place of a worker: says what it finds, in its environment as it was when the program was started."""
    found = {"threads": torch.get_num_threads(), "cores": sorted(os.sched_getaffinity(0))}
    began = Path("/proc/self/environ").read_bytes().split(b"\0")
    line.send(found | {"began": dict(entry.decode().split("=", 1) for entry in began if entry)})
    line.recv()


@pytest.mark.skipif(sys.platform != "linux", reason="what a program was started with is told by Linux")
def test_a_worker_finds_its_threads_cores_and_allocator_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, "serve", tell)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000000")
    worker, heard = Process(PROFILES["smoke"], 1), list[object]()
    listen = worker._wait
    monkeypatch.setattr(worker, "_wait", lambda *rest: heard.append(listen(*rest)))
    worker._start()
    worker.close()
    (found,) = heard
    assert isinstance(found, dict)
    assert found["threads"] == 1
    assert found["cores"] == sorted(os.sched_getaffinity(0))
    expected = settled(1)
    assert expected["MALLOC_TRIM_THRESHOLD_"] == "1000000"
    assert expected.items() <= found["began"].items()
    assert os.environ["OMP_NUM_THREADS"] == "2"  # as it was in the process that started it


def test_variables_are_told_only_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMTM_A", "before")
    monkeypatch.delenv("EMTM_B", raising=False)
    with pytest.raises(KeyError), told({"EMTM_A": "meanwhile", "EMTM_B": "too"}):
        assert (os.environ["EMTM_A"], os.environ["EMTM_B"]) == ("meanwhile", "too")
        raise KeyError
    assert os.environ["EMTM_A"] == "before" and "EMTM_B" not in os.environ
