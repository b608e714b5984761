"""What the README shows comes from the committed run file and from commands that exist."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_every_table_row_comes_from_the_reference_run(tmp_path: Path) -> None:
    reference = ROOT / "reports" / "reference"
    (run,), study = reference.glob("2*.json"), reference / "study-synth-charades.json"
    command = [sys.executable, "-m", "bench.report", str(run), "--study", str(study), "--out", str(tmp_path / "report")]
    subprocess.run(command, check=True, capture_output=True)
    report = set((tmp_path / "report" / "report.md").read_text("utf-8").splitlines())
    results = README.split("## Results")[1].split("### Two counters")[0]
    rows = [line for line in results.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert [row for row in rows if row not in report] == []
    assert run.name in results


def test_both_commands_are_marked() -> None:
    for marker in ("main-job", "tests"):
        assert re.search(rf"<!-- {marker} -->\n```bash\n.+\n```", README)


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
