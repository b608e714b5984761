"""Tables as LaTeX go through a TeX: nothing is refused, no sign is lost, nothing of a text is obeyed."""

from __future__ import annotations

import shutil
import string
import subprocess
from pathlib import Path

import pytest

from bench.audit.files import read_audit
from bench.report.content.study import read_study
from bench.report.document import build
from bench.report.formats.latex import table_latex
from bench.report.sections.cells import Cell, Table, empty, text
from bench.results import read_run

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "reports/reference"
pytestmark = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="needs a TeX: apt-get install texlive-latex-recommended"
)


def typeset(tables: list[Table], folder: Path) -> str:
    """What TeX says of a document of these tables; it stops at the first error."""
    body = "\n\\clearpage\n".join(map(table_latex, tables))
    (folder / "all.tex").write_text(
        f"\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{body}\\end{{document}}\n", "utf-8"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = (folder / "all.log").read_text("utf-8", "replace")
    assert done.returncode == 0, [line for line in log.splitlines() if line.startswith("!")]
    return log


def test_every_table_of_the_reference_report_is_typeset(tmp_path: Path) -> None:
    (run,) = REFERENCE.glob("2*.json")
    study, audit = read_study(REFERENCE / "study-synth-charades.json"), read_audit(REFERENCE / "audit.json")
    report = build([read_run(run)], [run.name], [study], audit)
    tables = [table for section in report.sections for table in section.tables]
    log = typeset(tables, tmp_path)
    assert len(tables) > 30
    assert "Missing character" not in log
    assert f"({len(tables)} pages" in log


@pytest.mark.parametrize(
    "said", [string.printable, r"\input{/etc/passwd}", "a & b \\\\ c", "$x", "%", "[1 mm]", "^^41", "{", "}", "\\"]
)
def test_texts_are_set_and_not_obeyed(said: str, tmp_path: Path) -> None:
    table = Table(
        title=said,
        caption=said,
        headers=(said, "MACs"),
        rows=((text(said), Cell(said, 1.0)), (text(f"[{said}]"), empty(said)), (text("*"), Cell("2", 2.0))),
    )
    log = typeset([table], tmp_path)
    assert "Missing character" not in log
    assert "passwd" not in log
