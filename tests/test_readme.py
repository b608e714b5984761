"""What the README shows comes from the committed run file and from commands that exist."""

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import scipy.stats

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "reports" / "reference"
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every line of the reports of the reference run with each study."""
    (run,) = REFERENCE.glob("2*.json")
    lines: set[str] = set()
    for study in sorted(REFERENCE.glob("study-*.json")):
        out = tmp_path_factory.mktemp("readme") / "report"
        command = [sys.executable, "-m", "bench.report", str(run), "--study", str(study), "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        lines.update((out / "report.md").read_text("utf-8").splitlines())
    return lines


def test_every_table_row_comes_from_the_reference_files(reported: set[str]) -> None:
    results = README.split("## Results")[1].split("### Two counters")[0]
    rows = [line for line in results.splitlines() if line.startswith("|")]
    assert len(rows) > 10
    assert [row for row in rows if row not in reported] == []
    assert all(file.name in results for file in REFERENCE.glob("*.json"))


def gain(rows: dict[str, Any], over: str, metric: str, seeds: slice = slice(None)) -> str:
    """Of the whole method, paired by seed: mean ± half the width of the 95 % interval."""
    pairs = zip(rows["full"][metric]["values"][seeds], rows[over][metric]["values"][seeds], strict=True)
    differences = [ours - theirs for ours, theirs in pairs]
    half = scipy.stats.t.ppf(0.975, len(differences) - 1) * scipy.stats.sem(differences)
    return f"{statistics.fmean(differences):+.1f} ± {half:.1f}"


def test_gains_in_the_text_come_from_the_study() -> None:
    study = json.loads((REFERENCE / "study-synth-charades.json").read_text("utf-8"))
    rows = {row["name"]: row for row in study["rows"]}
    text = " ".join(README.split("### What distillation is worth")[1].split("![")[0].split())
    control = [gain(rows, "smoothed-truth", metric) for metric in ("r1_0.5", "r1_0.7", "miou")]
    assert "{} points of R1@0.5, {} of R1@0.7 and {} of mIoU".format(*control) in text
    chosen, fresh = (gain(rows, "student-alone", "r1_0.5", seeds) for seeds in (slice(6), slice(6, None)))
    assert f"seeds 0 to 5, where the gain is {chosen};" in text
    assert f"not chosen on it is {fresh}." in text


def test_both_commands_are_marked() -> None:
    for marker in ("main-job", "tests"):
        assert re.search(rf"<!-- {marker} -->\n```bash\n.+\n```", README)


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
