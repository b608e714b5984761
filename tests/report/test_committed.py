"""The committed run, study and audit files give the very tables and CSV that are stored beside this test.

`python tests/report/test_committed.py` stores them anew after a change that is meant to show.
"""

from pathlib import Path

import pytest

from bench.audit.files import read_audit
from bench.report.content.few_labels import read_few_labels
from bench.report.content.study import read_study
from bench.report.document import build
from bench.report.formats.folder import report_files
from bench.results import read_run

ROOT = Path(__file__).parents[2]
STORED = Path(__file__).with_name("committed")
TEXTS = ("report.md", "results.csv", "study.csv")
OTHERS = ("search-", "score-", "campaign")
"""Searches, evaluations and campaigns, of which no report is made."""
SOURCES = [path for path in sorted((ROOT / "reports/reference").glob("*.json")) if not path.stem.startswith(OTHERS)]


def rendered(path: Path) -> dict[str, str]:
    """The report of one file, as texts by name."""
    name = path.relative_to(ROOT).as_posix()
    if path.stem.startswith("few-labels-"):
        report = build([], [], [read_few_labels(Path(name))])
    elif path.stem.startswith("study-"):
        report = build([], [], [read_study(Path(name))])
    elif path.stem == "audit":
        report = build([], [], [], read_audit(Path(name)))
    else:
        report = build([read_run(Path(name))], [name])
    return {file: content.decode() for file, content in report_files(report).items() if file in TEXTS}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_tables_and_csv_are_the_stored_ones(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    stored = {name: STORED / f"{path.stem}.{name}" for name in TEXTS}
    assert rendered(path) == {name: file.read_text("utf-8") for name, file in stored.items() if file.exists()}


if __name__ == "__main__":
    for source in SOURCES:
        for name, text in rendered(source).items():
            (STORED / f"{source.stem}.{name}").write_text(text, "utf-8")
