"""The command and the section of the report show the same audit."""

import csv
import io
import json
from pathlib import Path

import pytest

from bench.audit.files import document, read_audit
from bench.audit.record import Audit
from bench.cli.app import main
from bench.report.document import build
from bench.report.formats.markdown import report_markdown
from emtm.errors import UserError
from tests.audit.conftest import COMMITTED


def test_tables_show_the_chain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(COMMITTED)]) == 0
    out = capsys.readouterr().out
    assert "1.2881 B?" in out
    assert "aten::lstm" in out
    assert "not recalled, and nobody here has read them" in out


def test_json_is_read_back(committed: Audit, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(COMMITTED), "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == document(committed) == json.loads(COMMITTED.read_text())
    (tmp_path / "again.json").write_text(printed)
    assert read_audit(tmp_path / "again.json") == committed


def test_markdown_and_csv(committed: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(COMMITTED), "--markdown"]) == 0
    assert "### Printed cost of models on charades-sta, audited" in capsys.readouterr().out
    assert main(["audit", str(COMMITTED), "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    (eamat,) = (row for row in rows if row["Model"] == "EAMAT" and row["Printed “FLOPs”"])
    (stored,) = (row for row in committed.rows if row.label == "EAMAT")
    assert float(eamat["Inference, exact MACs"]) == stored.counts.inference
    assert main(["audit", str(COMMITTED), "--markdown", "--csv"]) == 2


def test_the_report_has_a_section(committed: Audit) -> None:
    text = report_markdown(build([], [], [], committed))
    assert "## The published costs, audited" in text
    assert "Not audited, of EMTM" in text


@pytest.mark.parametrize("text", ["", "[]", '{"format": "emtm-audit/9"}'])
def test_what_is_no_audit_is_one_sentence(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text(text)
    assert main(["audit", str(tmp_path / "a.json")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(UserError):
        read_audit(tmp_path / "none.json")


def test_a_damaged_audit_breaks_its_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doc = json.loads(COMMITTED.read_text())
    doc["rows"][2]["counts"]["inference"] = "many"
    (tmp_path / "a.json").write_text(json.dumps(doc))
    assert main(["audit", str(tmp_path / "a.json")]) == 7
    assert "rows[2].counts.inference" in capsys.readouterr().err
