"""A command as a user starts it, in a process of its own that has imported everything already."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pkgutil
import resource
import runpy
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

import baselines
import bench
import emtm
from emtm.cli import app

MODULES = ("emtm", "bench.report", "bench.count")
"""The programs, as `python -m` names them."""
MORE_MEMORY = 3 * 2**30
"""Bytes that a command may take beyond what is imported: on any machine there is an end."""
_LATE = ("torch._dynamo", "onnxruntime", "onnx.checker", "fontTools.subset", "matplotlib.backends.backend_pdf", "sympy")
"""What others import when they are first used."""
_POLL_S = 0.002


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    code: int | None
    """Exit code; None where it was ended by a signal."""
    signal: int
    """That ended it, 0 where none did; SIGKILL is ours, after the time limit."""
    stdout: str
    stderr: str
    seconds: float
    peak_bytes: int
    """Most memory in use, all that was imported before among it."""
    orphans: bool
    """It left processes behind."""


def import_all() -> None:
    """Import all that a command could, so that none of the attempts has to."""
    for package in (emtm, baselines, bench):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            name = module.name.rpartition(".")[2]
            if name != "__main__" and not name.startswith("test_") and name != "conftest":
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)
    for name in _LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    CliRunner().invoke(app, ["datasets", "none"])
    gc.freeze()  # what is shared with the attempts stays shared


def attempt(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    limit_s: float = 120.0,
    prepare: Callable[[], object] = lambda: None,
    grace_s: float = 0.0,
) -> Outcome:
    """Run `python -m MODULE ARGUMENTS` in the folder; what it prints is kept beside it.

    `prepare` is called in the new process before. Processes that it leaves have `grace_s` to end by themselves.
    """
    out, err = folder.with_suffix(".stdout"), folder.with_suffix(".stderr")
    sys.stdout.flush()
    sys.stderr.flush()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = _run(module, arguments, folder, environment, (out, err), prepare)
        finally:
            os._exit(code)
    status, usage = _waited(child, began + limit_s)
    seconds = time.monotonic() - began
    orphans = _ended(child, grace_s)
    ended = os.WIFSIGNALED(status)
    return Outcome(
        code=None if ended else os.waitstatus_to_exitcode(status),
        signal=os.WTERMSIG(status) if ended else 0,
        stdout=out.read_bytes().decode("utf-8", "backslashreplace"),
        stderr=err.read_bytes().decode("utf-8", "backslashreplace"),
        seconds=seconds,
        peak_bytes=1024 * usage.ru_maxrss,
        orphans=orphans,
    )


def _run(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    prints: tuple[Path, Path],
    prepare: Callable[[], object],
) -> int:
    """In the new process: become the command, and give its exit code."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(prints, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    size = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MORE_MEMORY, size + MORE_MEMORY))
    os.environ.update(environment)
    tempfile.tempdir = None
    sys.dont_write_bytecode = True
    os.chdir(folder)
    sys.modules.pop(module if module == "bench.count" else "", None)  # runpy warns of what it finds imported
    sys.argv = [module, *arguments]
    prepare()
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code & 0xFF


def _waited(child: int, ends: float) -> tuple[int, resource.struct_rusage]:
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return status, usage
        if time.monotonic() > ends:
            os.kill(child, signal.SIGKILL)
            _, status, usage = os.wait4(child, 0)
            return status, usage
        time.sleep(_POLL_S)


def _ended(group: int, grace_s: float) -> bool:
    """Were there processes of the child's session left after so long, which are no more now?"""
    ends = time.monotonic() + grace_s
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < ends:
            os.killpg(group, 0)
            time.sleep(_POLL_S)
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
