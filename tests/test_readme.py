"""What the README shows comes from the committed run file and from commands that exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.audit.files import read_audit
from bench.claims.claim import packaged_claims
from bench.claims.evidence import gather
from bench.claims.judging import judge
from bench.claims.tables import claim_tables
from bench.report.content.content import gather as gather_content
from bench.report.content.few_labels import read_few_labels
from bench.report.content.study import read_study
from bench.report.formats.markdown import table_markdown
from bench.report.sections.audit import audit_tables
from bench.report.sections.few_labels import section as few_labels
from bench.report.sections.study_tables import study_tables
from bench.selftest.document import lines
from bench.selftest.reading import read_selftest
from emtm.metrics.paired import mean_interval

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "reports" / "reference"
COSTS = ROOT / "reports" / "costs"
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every line of the reports of the committed runs, and of the tables of studies, audit and claims."""
    reports = []
    for run in (*REFERENCE.glob("2*.json"), *COSTS.glob("*.json")):
        out = tmp_path_factory.mktemp("readme") / "report"
        command = [sys.executable, "-m", "bench.report", str(run), "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        reports.append((out / "report.md").read_text("utf-8"))
    tables = [table for path in REFERENCE.glob("study-*.json") for table in study_tables(read_study(path))]
    for path in REFERENCE.glob("few-labels-*.json"):
        tables += few_labels(gather_content([], [], [read_few_labels(path)])).tables
    tables += audit_tables(read_audit(REFERENCE / "audit.json"))
    evidence = gather([path for path in REFERENCE.glob("*.json") if not path.stem.startswith(("search-", "campaign"))])
    tables += claim_tables(judge(packaged_claims(), evidence))
    return {line for text in [*reports, *map(table_markdown, tables)] for line in text.splitlines()}


def test_every_table_row_comes_from_the_reference_files(reported: set[str]) -> None:
    pages = README.split("## Commands")[0] + "".join(
        (ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in ("audit", "distillation", "few-labels", "worlds")
    )
    rows = [line for line in pages.splitlines() if line.startswith("|")]
    assert len(rows) > 60
    assert [row for row in rows if row not in reported] == []
    others = ("architecture", "measuring", "reproducing")
    named = README + pages + "".join((ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in others)
    scored = re.compile("(?<=^score-smoke-).+(?=-(index|timestamp))")
    assert all(scored.sub("MODEL", file.name) in named for file in (*REFERENCE.glob("*.json"), *COSTS.glob("*.json")))


def test_limits_then_costs_then_the_figure_then_claims_come_before_all_else() -> None:
    order = ["## The answer, its limits first", "| Printed “FLOPs” |", "![R1@0.5 against", "<!-- main-job -->"]
    order += ["<!-- tests -->", "## The claims, judged", "## Results"]
    places = [re.sub(" +", " ", README).index(text) for text in order]
    assert places == sorted(places)


def test_gains_on_chosen_and_fresh_seeds_come_from_the_study() -> None:
    study = json.loads((REFERENCE / "study-synth-charades.json").read_text("utf-8"))
    alone, full = (next(row for row in study["rows"] if row["name"] == name) for name in ("student-alone", "full"))
    differences = [
        ours - theirs for ours, theirs in zip(full["r1_0.5"]["values"], alone["r1_0.5"]["values"], strict=True)
    ]
    chosen, fresh = mean_interval(differences[:6]), mean_interval(differences[6:])
    text = " ".join(README.split())
    assert f"seeds 0 to 5, where the gain is {chosen.mean:+.1f} ± {chosen.half_width:.1f};" in text
    assert f"was not chosen on it is {fresh.mean:+.1f} ± {fresh.half_width:.1f}." in text


def test_what_is_said_of_the_gate_is_what_the_committed_selftest_says() -> None:
    found = read_selftest(ROOT / "reports" / "selftest" / "two-shared-cores.json")
    said = [line.strip() for line in lines(found)]
    block = README.split("Can it be believed?")[1].split("```\n")[1].splitlines()
    assert block == [said[0], *(line for line in said if line.startswith(("one tree", "slowed")))]
    assert found.gate.unchanged.changed == found.gate.slowed.unfound == 0
    assert all(outcome.elapsed_s < 60 * len(outcome.trials) for outcome in found.gate.outcomes)


def test_what_conventions_move_is_the_difference_of_two_committed_evaluations() -> None:
    sound, owner = (json.loads((REFERENCE / f"score-cbp-{by}.json").read_text("utf-8")) for by in ("sound", "owner"))
    assert sound["predictions_sha256"] == owner["predictions_sha256"]
    r1, r5 = sound["r1"]["0.5"] - owner["r1"]["0.5"], sound["r5"]["0.7"] - owner["r5"]["0.7"]
    assert f"moves R1@0.5 by {r1:.2f} and R5@0.7 by {r5:.1f} points" in " ".join(README.split())


def test_what_the_published_weights_reach_is_what_lies_beside_them() -> None:
    stored = (ROOT / "reports" / "weights" / "smoke").glob("*/metrics.json")
    r1 = {path.parent.name: f"{json.loads(path.read_text('utf-8'))['r1']['0.5']:.1f}" for path in stored}
    text = " ".join(README.split())
    assert f"below its student alone, {r1['emtm']} % and {r1['emtm-student']} % R1@0.5" in text
    assert f"SeqPAN and VSLNet, reach {r1['seqpan']} and {r1['vslnet']}:" in text


def test_both_commands_are_marked() -> None:
    for marker in ("main-job", "tests"):
        assert re.search(rf"<!-- {marker} -->\n```bash\n.+\n```", README)


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_commits_that_show_how_to_extend_are_in_the_history() -> None:
    text = (ROOT / "docs" / "extending.md").read_text("utf-8")
    commits = re.findall(r"`([0-9a-f]{7})`", text)
    assert len(commits) >= 6
    shallow = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--is-shallow-repository"], capture_output=True)
    if shallow.stdout.strip() != b"false":
        pytest.skip("not a whole git checkout")
    for commit in commits:
        found = subprocess.run(["git", "-C", str(ROOT), "merge-base", "--is-ancestor", commit, "HEAD"], check=False)
        assert found.returncode == 0, commit
