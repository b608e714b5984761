"""Glue between pytest, pytest-benchmark and the lab: options, cases as parameters, the run file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.cases import Case, build_matrix
from bench.codec import encode
from bench.fixtures import Benchmark, Measured
from bench.lab import CaseError, Lab, LeftOutError
from bench.measure import Measure, Timing
from bench.measures import measures
from bench.profiles import PROFILES
from emtm.errors import UserError

_LAB = pytest.StashKey[Lab]()
_RUN_FILE = pytest.StashKey[Path]()


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
    config.addinivalue_line("markers", "measure(measure): what the test measures, on each case that it applies to.")
    if getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        raise pytest.UsageError("bench/ measures time, so it cannot share the machine with itself: leave -n out")
    profile = PROFILES[config.getoption("--bench-profile")]
    try:
        matrix = build_matrix(config.getoption("--runs"), profile)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_LAB] = Lab(matrix, profile, config.rootpath, ("pytest", *map(str, config.invocation_params.args)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case that the measure applies to, named by the case."""
    measure = _measure_of(metafunc.definition)
    if measure is not None:
        cases = [case for case in metafunc.config.stash[_LAB].matrix.cases if measure.applies(case)]
        metafunc.parametrize("case", cases, ids=[case.case_id for case in cases])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All measurements of a case together, so that its model is built once, in the order of the measures."""
    cases = {case.case_id: i for i, case in enumerate(config.stash[_LAB].matrix.cases)}
    order = {measure.name: i for i, measure in enumerate(measures())}

    def rank(item: pytest.Item) -> tuple[int, int]:
        measure, case = _measure_of(item), _case_of(item)
        return (-1 if case is None else cases[case.case_id], -1 if measure is None else order[measure.name])

    items.sort(key=rank)


def _measure_of(item: pytest.Item) -> Measure | None:
    marker = item.get_closest_marker("measure")
    return None if marker is None else marker.args[0]


def _case_of(item: pytest.Item) -> Case | None:
    found = (
        item.callspec.params.get("case") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
    )
    return found if isinstance(found, Case) else None


@pytest.fixture
def measured(request: pytest.FixtureRequest, case: Case, benchmark: Benchmark) -> Measured:
    """Makes the test's measure on its case.

    Whatever goes wrong becomes the case's status and skips the test, so that the other cases still run; on success
    pytest-benchmark's record carries the case.
    """
    lab, measure = request.config.stash[_LAB], _measure_of(request.node)
    assert measure is not None

    def call(timing: Timing) -> None:
        benchmark.pedantic(timing.call, setup=timing.prepare, rounds=timing.rounds)

    def run() -> None:
        benchmark.group = measure.name
        try:
            record = lab.measure(case, measure, call)
        except LeftOutError as error:
            pytest.skip(f"left out: {error}")
        except CaseError as error:
            pytest.skip(f"case not measured: {error}")
        benchmark.extra_info["emtm"] = encode(record)

    return run


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, benchmarks: object, output_json: dict[str, Any]) -> None:
    """Each of pytest-benchmark's own records carries its case with all that was measured of it by the end."""
    records = config.stash[_LAB].records
    for benchmark in output_json["benchmarks"]:
        # A case would be written as Python shows it, with an address that no other session has.
        parameters = benchmark["params"] or {}
        benchmark["params"] = {k: v.case_id if isinstance(v, Case) else v for k, v in parameters.items()} or None
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says which cases have no result and where the run file is."""
    path = config.stash.get(_RUN_FILE, None)
    if path is None:
        return
    terminalreporter.section("run file")
    for case_id, reason in config.stash[_LAB].problems:
        terminalreporter.write_line(f"not measured: {case_id}: {reason}")
    terminalreporter.write_line(str(path))
