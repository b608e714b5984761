"""The section on claims: those that the files of a report decide, as the command judges them."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from bench.audit.files import read_audit
from bench.audit.record import Audit
from bench.claims.section import section
from bench.cli.app import main
from bench.report.content.study import Study, read_study
from bench.report.document import Report, build
from bench.report.formats.html import report_html
from bench.report.sections.section import Section

REFERENCE = Path("reports/reference")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def claims_of(report: Report) -> Section | None:
    return next((one for one in report.sections if one.key == "claims"), None)


def of_files(study: Study | None, audit: Audit | None) -> Section:
    found = claims_of(build([], [], [study], audit, section))
    assert found is not None
    return found


def test_it_says_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    path, audit = REFERENCE / "study-parts.json", REFERENCE / "audit.json"
    found = of_files(read_study(path), read_audit(audit))
    shown = {row[0].text: [cell.text for cell in row[1:3]] for row in found.tables[0].rows}
    (command,) = found.commands
    assert command == f"python -m bench.report claims {path} audit.json"
    files = [str(REFERENCE / Path(name).name) for name in shlex.split(command)[4:]]
    assert main(["claims", *files, "--json"]) == 0
    judged = {one["id"]: one for one in json.loads(capsys.readouterr().out)["claims"]}
    assert {name: one["verdict"] for name, one in judged.items() if one["verdict"] != "not measured"} == {
        name: verdict for name, (verdict, _) in shown.items()
    }
    assert shown["shared-encoder-helps"][1].startswith(f"{judged['shared-encoder-helps']['parts'][0]['value']:.2f} [")
    (limit,) = found.limits
    assert limit.startswith(f"{len(judged) - len(shown)} claims cannot be judged by these files: emtm-cheapest-")


def test_each_verdict_names_what_it_was_read_from() -> None:
    found = of_files(None, read_audit(REFERENCE / "audit.json"))
    rests = next(table for table in found.tables if table.title == "What each verdict rests on")
    assert {row[-1].text.partition(":")[0] for row in rests.rows} == {"audit.json"}
    assert [table.title for table in found.tables] == ["Claims", rests.title]


def test_a_report_that_decides_nothing_has_no_such_section() -> None:
    study = replace(read_study(REFERENCE / "study-parts.json"), dataset="another")
    assert claims_of(build([], [], [study], None, section)) is None


def test_the_page_has_it_where_trust_is_asked_for() -> None:
    page = report_html(build([], [], [], read_audit(REFERENCE / "audit.json"), section))
    trust = page.index('id="trust"')
    assert trust < page.index('id="claims"') < page.index('id="audit"')
    shown, behind = page.index("printed-costs-reproduced"), page.index("<summary>1 table: What each verdict rests on")
    assert page.index('id="claims"') < shown < behind < page.index('id="audit"')
