"""Glue between pytest, pytest-benchmark and the lab: options, cases as parameters, the run file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.cases import Case, build_matrix
from bench.codec import encode
from bench.fixtures import Benchmark, Recording
from bench.lab import CaseError, Lab, LeftOutError
from bench.profiles import PROFILES
from bench.record import Scenario
from emtm.errors import UserError

_LAB = pytest.StashKey[Lab]()
_RUN_FILE = pytest.StashKey[Path]()
_FIXTURES: dict[str, Scenario] = {
    "case": "single_stream",
    "trained_case": "single_stream",
    "train_case": "train_step",
    "evaluation_case": "evaluation",
    "video_case": "end_to_end",
}
_ORDER = ("static", "latency", "throughput", "memory", "reference", "quality")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The suite's own options."""
    group = parser.getgroup("emtm-bench")
    group.addoption(
        "--bench-profile",
        choices=tuple(PROFILES),
        default="ci",
        help="Time budget: smoke (a minute), ci (minutes), full (an hour).",
    )
    group.addoption("--runs", type=Path, default=Path("runs"), help="Directory of finished training runs to measure.")
    group.addoption(
        "--run-file", type=Path, default=None, help="Where to write the run file; reports/runs/ by default."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Sets up the session's lab."""
    if getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        raise pytest.UsageError("bench/ measures time, so it cannot share the machine with itself: leave -n out")
    profile = PROFILES[config.getoption("--bench-profile")]
    try:
        matrix = build_matrix(config.getoption("--runs"), profile)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_LAB] = Lab(matrix, profile, config.rootpath, ("pytest", *map(str, config.invocation_params.args)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case, named by the case."""
    matrix = metafunc.config.stash[_LAB].matrix
    for fixture, scenario in _FIXTURES.items():
        if fixture in metafunc.fixturenames:
            cases = [c for c in matrix.of(scenario) if c.run is not None or fixture != "trained_case"]
            metafunc.parametrize(fixture, cases, ids=[c.case_id for c in cases])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All measurements of a case together, so that its model is built once; counts come first."""
    cases = {case.case_id: i for i, case in enumerate(config.stash[_LAB].matrix.cases)}

    def rank(item: pytest.Item) -> tuple[int, int]:
        parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        case = next((v for v in parameters.values() if isinstance(v, Case)), None)
        kind = item.path.stem.removeprefix("test_")
        place = _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
        return (-1 if case is None else cases[case.case_id], place)

    items.sort(key=rank)


@pytest.fixture
def lab(request: pytest.FixtureRequest) -> Lab:
    """The session's lab."""
    return request.config.stash[_LAB]


@pytest.fixture
def recording(lab: Lab, benchmark: Benchmark) -> Recording:
    """Context manager around a measurement.

    Whatever goes wrong inside becomes the case's status and skips the test, so that the other
    cases still run; on success pytest-benchmark's record carries the case.
    """

    @contextmanager
    def record(case: Case, what: str) -> Iterator[None]:
        benchmark.group = what
        try:
            with lab.guarded(case, what):
                yield
        except LeftOutError as error:
            pytest.skip(f"left out: {error}")
        except CaseError as error:
            pytest.skip(f"case not measured: {error}")
        benchmark.extra_info["emtm"] = encode(lab.record(case))

    return record


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, benchmarks: object, output_json: dict[str, Any]) -> None:
    """Each of pytest-benchmark's own records carries its case with all that was measured of it by the end."""
    records = config.stash[_LAB].records
    for benchmark in output_json["benchmarks"]:
        carried = benchmark["extra_info"].get("emtm")
        if carried is not None:
            benchmark["extra_info"]["emtm"] = encode(records[carried["case_id"]])


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes the run file; a session in which no case could be measured fails."""
    config = session.config
    session_lab = config.stash.get(_LAB, None)
    if session_lab is None or not session_lab.started:
        return
    config.stash[_RUN_FILE] = session_lab.write(config.getoption("--run-file"))
    if not session_lab.measured:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says which cases have no result and where the run file is."""
    path = config.stash.get(_RUN_FILE, None)
    if path is None:
        return
    terminalreporter.section("run file")
    for case_id, reason in config.stash[_LAB].problems:
        terminalreporter.write_line(f"not measured: {case_id}: {reason}")
    terminalreporter.write_line(str(path))
