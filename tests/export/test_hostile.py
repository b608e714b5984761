"""Whatever strings a run file holds, every format stays readable and nothing is written outside."""

import ast
import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.codec import decode, encode
from bench.export.formats import FORMATS
from bench.run import Run
from emtm.errors import UserError
from tests.export.conftest import few_cases, rendered
from tests.export.openmetrics import parse
from tests.hostile import HOSTILE, TEXTS, Place, open_places, planted

BASE: dict[str, Any] = encode(few_cases())
PLACES = open_places(BASE, lambda doc: decode(Run, doc))
PLANS = st.dictionaries(st.sampled_from(PLACES), TEXTS, min_size=1, max_size=40)
"""One to many strings to replace at once."""


def check_gab(files: dict[str, str], run: Run) -> None:
    for text in files.values():
        entries = json.loads(text)
        assert len({entry["name"] for entry in entries}) == len(entries)
        for entry in entries:
            assert re.fullmatch(r"[A-Za-z0-9_.~%/-]+", entry["name"])
            assert not re.search(r"[<>&`|\x00-\x09\x0b-\x1f\ud800-\udfff]", f"{entry['unit']}{entry['extra']}")


def check_bencher(files: dict[str, str], run: Run) -> None:
    for name, measures in json.loads(files["."]).items():
        assert re.fullmatch(r"[A-Za-z0-9_.~%/-]{1,1024}", name)
        assert not re.search(r"(_bencher_ignore|BencherIgnore|-bencher-ignore)$", name)
        assert not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", name)
        assert all(re.fullmatch(r"[a-z0-9-]{1,64}", measure) for measure in measures)


def check_asv(files: dict[str, str], run: Run) -> None:
    benchmarks = json.loads(files["results/benchmarks.json"])
    for name, benchmark in benchmarks.items():
        if name == "version":
            continue
        assert re.fullmatch(r"[a-z]+\.[a-z0-9_]+", name)
        for case in benchmark["params"][0]:
            assert re.fullmatch(r"[A-Za-z0-9_.~%/-]+", ast.literal_eval(case))
    for text in files.values():
        assert not re.search("[<\x00-\x09\x0b-\x1f\x7f]", text)


def check_csv(files: dict[str, str], run: Run) -> None:
    found = [row for text in files.values() for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)]
    assert len({row["case_id"] for row in found}) == len(found) == len(run.cases)
    for row in found:
        assert None not in row
        for cell in row.values():
            assert isinstance(cell, str)
            assert cell.isprintable()
            assert not re.match(r"[=+@\t\r]|-(?!\d)", cell)


def check_openmetrics(files: dict[str, str], run: Run) -> None:
    families = parse(files["."])
    assert len(families["emtm_case_info"].samples) == len(run.cases)
    assert len(families["emtm_run_info"].samples) == 1


def check_junit(files: dict[str, str], run: Run) -> None:
    names = [case.get("name") for case in ET.fromstring(files["."]).iter("testcase")]
    assert len(set(names)) == len(names) == len(run.cases)


CHECKS = {
    "gab": check_gab,
    "bencher": check_bencher,
    "asv": check_asv,
    "csv": check_csv,
    "openmetrics": check_openmetrics,
    "junit": check_junit,
}


def survives(run: Run, name: str) -> None:
    try:
        files = dict(rendered(name, run).files)
    except UserError:
        # Some formats need a commit or a time, and a hostile one is none.
        assert name in ("asv", "openmetrics")
        suite = replace(run.suite, commit="a" * 40)
        files = dict(rendered(name, replace(run, suite=suite, created_utc="2026-01-01T00:00:00Z")).files)
    for path, text in files.items():
        assert re.fullmatch(r"\.|[A-Za-z0-9_.~%-]+(/[A-Za-z0-9_.~%-]+)*", path)
        assert all(part not in ("..", "") and len(part) < 200 for part in path.split("/"))
        text.encode()
    CHECKS[name](files, run)


def test_every_format_and_the_strings_that_count_are_held() -> None:
    assert set(CHECKS) == {kind.name for kind in FORMATS}
    assert {("suite", "commit"), ("cases", 0, "case_id"), ("cases", 0, "execution", "device")} <= set(PLACES)
    assert len(PLACES) > 100


@pytest.mark.usefixtures("outside_repositories")
@settings(max_examples=60)
@given(plan=PLANS)
def test_no_string_breaks_a_format(plan: dict[Place, str]) -> None:
    ids = [text for place, text in plan.items() if "case_id" in place]
    assume(all(ids) and len(set(ids)) == len(ids))  # Every case of a run file has a name, and one of its own.
    run = decode(Run, planted(BASE, plan))
    for name in CHECKS:
        survives(run, name)


@pytest.mark.usefixtures("outside_repositories")
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_every_string_at_once(text: str) -> None:
    ids = iter(range(len(PLACES)))  # Cases keep names of their own.
    run = decode(Run, planted(BASE, {place: f"{text}{next(ids)}" if "case_id" in place else text for place in PLACES}))
    for name in CHECKS:
        survives(run, name)


@pytest.fixture(scope="module")
def outside_repositories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("outside")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder
