"""Glue between pytest, pytest-benchmark and the lab: options, cases as parameters, the run file."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench.cases import Case, build_matrix
from bench.codec import encode
from bench.consistency import read_consistent
from bench.disturbance import disturbance
from bench.fixtures import Benchmark, Measured, ReplayClock
from bench.isolation.session import Session
from bench.lab import CaseError, Lab, LeftOutError
from bench.measure import Measure
from bench.measures import measures
from bench.missing import known
from bench.profiles import PROFILES
from bench.progress import Progress
from emtm.errors import UserError
from emtm.processes import reserved, terminated_as_interrupted

_SESSION = pytest.StashKey[Session]()
_DONE = pytest.StashKey[int]()
_RUN_FILE = pytest.StashKey[tuple[Path, str]]()
_PROGRESS = pytest.StashKey[Progress]()
_CLOCK = ReplayClock()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The suite's own options."""
    group = parser.getgroup("emtm-bench")
    group.addoption(
        "--bench-profile",
        choices=tuple(PROFILES),
        default="ci",
        help="Time budget: smoke (a minute), ci (ten minutes), full (hours).",
    )
    group.addoption("--runs", type=Path, default=Path("runs"), help="Directory of finished training runs to measure.")
    group.addoption(
        "--run-file", type=Path, default=None, help="Where to write the run file; reports/runs/ by default."
    )
    group.addoption(
        "--resume", action="store_true", help="Go on with the session that left --run-file behind when it was cut off."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Sets up the session."""
    config.addinivalue_line("markers", "measure(measure): what the test measures, on each case that it applies to.")
    if getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput"):
        raise pytest.UsageError("bench/ measures time, so it cannot share the machine with itself: leave -n out")
    endings, path = ExitStack(), config.getoption("--run-file")
    config.add_cleanup(endings.close)
    try:
        # Held before it is read: what another session writes meanwhile would be lost.
        if path is not None and not config.option.collectonly:
            endings.enter_context(reserved(path))
        lab = _lab(config)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[_SESSION] = Session(lab, path)
    config.add_cleanup(config.stash[_SESSION].close)
    # A session that is told to end writes what it has, as one that is interrupted.
    endings.enter_context(terminated_as_interrupted())


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """The terminal is there now."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None
    session.config.stash[_PROGRESS] = Progress(reporter)


def _lab(config: pytest.Config) -> Lab:
    profile = PROFILES[config.getoption("--bench-profile")]
    matrix = build_matrix(config.getoption("--runs"), profile)
    lab = Lab(matrix, profile, config.rootpath, ("pytest", *map(str, config.invocation_params.args)))
    if config.getoption("--resume"):
        path = config.getoption("--run-file")
        if path is None:
            raise UserError("--resume goes on with a run file: name it by --run-file")
        if path.exists():
            lab.resume(read_consistent(path))
    return lab


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a case that the measure applies to, named by the case."""
    measure = _measure_of(metafunc.definition)
    if measure is not None:
        cases = [case for case in metafunc.config.stash[_SESSION].lab.matrix.cases if measure.applies(case)]
        metafunc.parametrize("case", cases, ids=[case.case_id for case in cases])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All measurements of a case together, so that its model is built once, in the order of the measures."""
    cases = {case.case_id: i for i, case in enumerate(config.stash[_SESSION].lab.matrix.cases)}
    order = {measure.name: i for i, measure in enumerate(measures())}

    def rank(item: pytest.Item) -> tuple[int, int]:
        measure, case = _measure_of(item), _case_of(item)
        return (-1 if case is None else cases[case.case_id], -1 if measure is None else order[measure.name])

    items.sort(key=rank)
    done = [item for item in items if _settled(config.stash[_SESSION], item)]
    config.stash[_DONE] = len(done)
    if done:
        config.hook.pytest_deselected(items=done)
        items[:] = [item for item in items if item not in done]
    for item in items:
        if _measure_of(item) is not None:
            item.add_marker(pytest.mark.benchmark(timer=_CLOCK.now))
            # What a counter or a sweep takes itself is no benchmark, and stays out of pytest-benchmark's table.
            item.add_marker(pytest.mark.filterwarnings("ignore:Benchmark fixture was not used"))


def _settled(session: Session, item: pytest.Item) -> bool:
    measure, case = _measure_of(item), _case_of(item)
    return measure is not None and case is not None and session.has(case, measure)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Before anything is measured: can it be kept?"""
    if session.config.option.collectonly:
        return
    try:
        planned = sum(_measure_of(item) is not None for item in session.items)
        session.config.stash[_SESSION].plan(planned, session.config.stash[_DONE])
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    session.config.stash[_PROGRESS].start(planned)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Says what is measured now."""
    measure, case = _measure_of(item), _case_of(item)
    if measure is not None and case is not None:
        item.config.stash[_PROGRESS].measuring(case.case_id, measure.name)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """Of measures the line tells."""
    return config.stash[_PROGRESS].status(report) if "measure" in report.keywords else None


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
    """Makes the test's measure on its case, in another process.

    Whatever goes wrong becomes the case's status and skips the test, so that the other cases still run;
    pytest-benchmark shows the timed calls, and its record carries the case.
    """
    session, measure = request.config.stash[_SESSION], _measure_of(request.node)
    assert measure is not None

    def run() -> None:
        if benchmark.disabled:
            pytest.skip("left out: benchmarks are disabled, so nothing is measured")
        benchmark.group = measure.name
        try:
            session.measure(case, measure, partial(_show, benchmark))
        except LeftOutError as error:
            pytest.skip(f"left out: {error}")
        except CaseError as error:
            pytest.skip(f"case not measured: {error}")
        benchmark.extra_info["emtm"] = encode(session.lab.record(case))

    return run


def _show(benchmark: Benchmark, samples_s: tuple[float, ...]) -> None:
    """Lets pytest-benchmark time the calls that another process made; the second time, in the place of the first."""
    if samples_s and benchmark.stats is None:
        _CLOCK.load(samples_s)
        benchmark.pedantic(lambda: None, rounds=len(samples_s))
    elif samples_s and benchmark.stats is not None:
        benchmark.stats.stats.data[:] = samples_s


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """After the measures, what was disturbed once more, and single queries in further processes."""
    result = yield
    found, progress = session.config.stash[_SESSION], session.config.stash[_PROGRESS]
    if found.lab.started and not isinstance(found.cut_off, str):
        found.again(progress.say)
        found.repeat(progress.say)
    progress.end()
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, benchmarks: object, output_json: dict[str, Any]) -> None:
    """Each of pytest-benchmark's own records carries its case with all that was measured of it by the end."""
    records = config.stash[_SESSION].lab.records
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
    found = config.stash.get(_SESSION, None)
    if found is None or not found.lab.started:
        return
    config.stash[_RUN_FILE] = found.finish()
    if not found.lab.measured:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says which cases have no result and where the run file is."""
    if _RUN_FILE not in config.stash:
        return
    (path, why_there), session = config.stash[_RUN_FILE], config.stash[_SESSION]
    terminalreporter.section("run file")
    for case_id, reason in session.lab.problems:
        terminalreporter.write_line(f"not measured: {case_id}: {reason}")
    found = disturbance(session.lab.records.values())
    if found.disturbed:
        terminalreporter.write_line(f"{found.verdict}: {found}")
    if text := known(session.cut_off):
        terminalreporter.write_line(f"cut off: {text}; the same command with --run-file {path} --resume goes on")
    if why_there:
        terminalreporter.write_line(f"{why_there}, so the run file is in another place:")
    terminalreporter.write_line(str(path))
