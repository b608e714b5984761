"""The shell steps of the workflows and of docs/ci.md, run with stand-ins for what needs a network or an hour."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ci.shell import Shell, called, git, script_of
from tests.ci.workflows import ROOT, Source, snippets, workflow

MONDAY = "20261123T021700Z"
TUESDAY = "20261124T021700Z"
BOTH, ONE = 2, 1


def night(folder: Path, at: str, cases: int = BOTH) -> Path:
    """The run file of a night that measured so many cases."""
    doc = json.loads((ROOT / "reports" / "reference" / "train-step.json").read_text("utf-8"))
    doc["run_id"] = f"{at}-13a7e4"
    doc["created_utc"] = f"{at[:4]}-{at[4:6]}-{at[6:11]}:{at[11:13]}:{at[13:]}"
    doc["cases"] = doc["cases"][:cases]
    path = folder / f"{doc['run_id']}.json"
    path.write_text(json.dumps(doc), "utf-8")
    return path


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two commits on `main` and one on `topic`, beside the bare repository that it came from."""
    origin, work = tmp_path / "origin.git", tmp_path / "work"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    git(tmp_path, "clone", "--quiet", str(origin), str(work))
    git(work, "switch", "--quiet", "-c", "main")
    for name in ("first", "second"):
        (work / "constraints.txt").write_text(name, "utf-8")
        git(work, "add", "constraints.txt")
        git(work, "commit", "--quiet", "-m", name)
    git(work, "switch", "--quiet", "-c", "topic", "HEAD~1")
    (work / "topic.txt").write_text("topic", "utf-8")
    git(work, "add", "topic.txt")
    git(work, "commit", "--quiet", "-m", "topic")
    git(work, "push", "--quiet", "origin", "main", "topic")
    git(work, "switch", "--quiet", "main")
    return work


@pytest.fixture
def shell(clone: Path, tmp_path: Path) -> Shell:
    return Shell(clone, tmp_path / "tools", night(tmp_path, TUESDAY))


def test_a_pull_request_is_measured_against_the_commit_it_branched_from(shell: Shell) -> None:
    shell.comment, shell.code = "**SLOWER**: 1 timing slower\n", 3
    source = workflow("bench-pr.yml")
    base, head = git(shell.work, "rev-parse", "main"), git(shell.work, "rev-parse", "topic")
    done = shell.run(source.step("Measure")["run"], BASE_SHA=base, HEAD_SHA=head, CASES=source.yaml["env"]["CASES"])
    assert done.returncode == 0, done.stderr
    assert shell.outputs == {"code": "3"}
    assert (shell.work / "comparison" / "comment.md").read_text("utf-8") == shell.comment
    assert (shell.work / "comparison" / "ab.json").is_file()
    assert (shell.tools / "summary").read_text("utf-8") == shell.comment
    (call,) = (line for line in shell.calls if " ab " in line)
    branched = git(shell.work, "rev-parse", "main~1")
    assert call.startswith(f"python -m bench.report ab --base {branched} --head {head} -k charades-sta and ")
    assert call.endswith("--out comparison/ab.json --markdown --soft")


@pytest.mark.parametrize("code", [0, 1, 3, 4])
def test_the_job_ends_with_the_verdict(shell: Shell, code: int) -> None:
    assert shell.run(workflow("bench-pr.yml").step("Verdict")["run"], CODE=str(code)).returncode == code


def post(shell: Shell, number: str) -> subprocess.CompletedProcess[str]:
    return shell.run(
        workflow("bench-comment.yml").step("Post")["run"],
        REPOSITORY="us/emtm",
        HEAD="them:topic; touch owned",
        HEAD_SHA="a" * 40,
        ANSWER=number,
    )


def test_the_comment_goes_to_the_pull_request_that_github_names(shell: Shell) -> None:
    assert post(shell, "17").returncode == 0
    assert shell.calls[0].startswith("gh api --method GET repos/us/emtm/pulls -f state=open -f head=them:topic; touch")
    assert shell.calls[1] == ("gh pr comment 17 --repo us/emtm --body-file comment.md --edit-last --create-if-none")
    assert not (shell.work / "owned").exists()


def test_no_open_pull_request_gets_no_comment(shell: Shell) -> None:
    done = post(shell, "")
    assert (done.returncode, len(shell.calls)) == (0, 1)
    assert "no open pull request" in done.stdout


@pytest.mark.parametrize(("text", "code"), [("**SAME**: 1 case\n", 0), ("**SAME** [x](//evil)\n", 1), ("", 1)])
def test_the_comment_is_checked_by_the_script_of_the_default_branch(shell: Shell, text: str, code: int) -> None:
    shutil.copytree(ROOT / ".github", shell.work / ".github")
    (shell.work / "comparison").mkdir()
    (shell.work / "comparison" / "comment.md").write_text(text, "utf-8")
    (shell.tools / "python3").symlink_to(sys.executable)
    done = shell.run(workflow("bench-comment.yml").step("Check")["run"])
    assert done.returncode == code
    assert (shell.work / "comment.md").read_text("utf-8") == ("" if code else text)


def nightly(shell: Shell) -> subprocess.CompletedProcess[str]:
    source = workflow("bench-nightly.yml")
    for name in ("Measure", "History"):
        done = shell.run(source.step(name)["run"])
        assert done.returncode == 0, done.stderr
    verdict = shell.run(source.step("Against the night before")["run"])
    git(shell.work, "worktree", "prune")
    kept = shell.run(source.step("Keep the run file")["run"], NEW=str(shell.work / "reports" / "runs"))
    assert kept.returncode == 0, kept.stderr
    return verdict


def fresh(shell: Shell, tmp_path: Path, name: str) -> Shell:
    """The next night begins with a new checkout of the same repository."""
    git(tmp_path, "clone", "--quiet", str(tmp_path / "origin.git"), name)
    return Shell(tmp_path / name, tmp_path / f"tools-{name}", shell.run_file)


@pytest.mark.slow
def test_nights_are_kept_on_a_branch_and_compared(shell: Shell, tmp_path: Path) -> None:
    shell.run_file = night(tmp_path, MONDAY)
    first = nightly(shell)
    assert (first.returncode, first.stdout) == (0, "")
    second = fresh(shell, tmp_path, "tuesday")
    second.run_file = night(tmp_path, TUESDAY, ONE)
    verdict = nightly(second)
    assert verdict.returncode == 4
    assert verdict.stdout.startswith("MISSING: 1 case missing")
    listed = git(tmp_path / "origin.git", "ls-tree", "--name-only", "-r", "bench-history").splitlines()
    assert listed == [f"runs/{at}-13a7e4.json" for at in (MONDAY, TUESDAY)]
    assert git(tmp_path / "origin.git", "rev-list", "--count", "bench-history") == "2"
    assert (second.work / "site").is_dir()


def gitlab(job: str) -> str:
    pipeline = snippets()["gitlab"].yaml
    return script_of([*pipeline[".bench"]["before_script"], *pipeline[job]["script"]])


@pytest.mark.parametrize("code", [0, 3, 6])
def test_gitlab_measures_a_merge_request_and_keeps_the_code(shell: Shell, code: int) -> None:
    shell.code, shell.comment = code, "**SOMETHING**: 1\n"
    done = shell.run(gitlab("bench-merge-request"), CI_MERGE_REQUEST_DIFF_BASE_SHA="b" * 40, CI_COMMIT_SHA="c" * 40)
    assert done.returncode == code, done.stderr
    assert done.stdout == shell.comment
    job = snippets()["gitlab"].yaml["bench-merge-request"]
    assert set(job["allow_failure"]["exit_codes"]) == {5, 6}
    assert all((shell.work / path).exists() for path in job["artifacts"]["paths"])


@pytest.mark.slow
def test_gitlab_compares_the_night_with_the_one_before(shell: Shell, tmp_path: Path) -> None:
    # The cache of the pipeline has brought the night before.
    (shell.work / "history").mkdir()
    night(shell.work / "history", MONDAY)
    shell.run_file = night(tmp_path, TUESDAY, ONE)
    done = shell.run(gitlab("bench-nightly"))
    assert done.returncode == 4, done.stderr
    assert "MISSING: 1 case missing" in done.stdout
    assert len(list((shell.work / "history").glob("*.json"))) == 2


@pytest.mark.slow
def test_cron_speaks_only_when_something_is_wrong(shell: Shell, tmp_path: Path) -> None:
    (shell.work / ".venv" / "bin").mkdir(parents=True)
    (shell.work / ".venv" / "bin" / "activate").write_text("", "utf-8")
    git(shell.work, "branch", "--set-upstream-to=origin/main", "main")
    script = snippets()["cron"].text
    (shell.work / "history").mkdir()
    night(shell.work / "history", MONDAY)
    for at, cases, code, said in (
        (TUESDAY, BOTH, 0, ""),
        ("20261125T021700Z", ONE, 4, "MISSING: 1 case missing"),
    ):
        shell.run_file = night(tmp_path, at, cases)
        done = shell.run(script, BENCH_HOME=str(shell.work))
        assert done.returncode == code, done.stderr
        assert done.stdout.startswith(said)
        assert bool(done.stdout) == bool(said)
    assert len(list((shell.work / "history").glob("*.json"))) == 3


def test_cron_does_not_run_twice_at_once(shell: Shell) -> None:
    script = f"exec 9> .nightly.lock; flock 9; bash -c {SCRIPT_ARGUMENT}"
    done = shell.run(script, SCRIPT=snippets()["cron"].text, BENCH_HOME=str(shell.work))
    assert (done.returncode, shell.calls) == (0, [])


SCRIPT_ARGUMENT = '"$SCRIPT" 9>&-'


def steps(shell: Shell, source: Source, **env: str) -> None:
    for step in source.steps():
        if "run" in step:
            done = shell.run(step["run"], **env)
            assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_github_action_benchmark_finds_the_files_that_it_is_given(shell: Shell) -> None:
    source = snippets()["gab"]
    steps(shell, source)
    (call,) = called(shell, "python -m bench.report export")
    assert call[4:6] == ["--to", "gab"] and call[-2:] == ["--out", "dashboards"]
    given = [step["with"]["output-file-path"] for step in source.steps() if "output-file-path" in step.get("with", {})]
    assert given == [f"dashboards/gab-{name}.json" for name in ("smaller", "bigger", "exact")]
    assert (shell.work / "dashboards").is_dir()


@pytest.mark.slow
def test_bencher_is_given_the_file_and_the_machine(shell: Shell) -> None:
    steps(shell, snippets()["bencher"], BENCHER_PROJECT="emtm")
    (call,) = called(shell, "bencher run")
    fingerprint = json.loads(shell.run_file.read_text("utf-8"))["env"]["fingerprint"].removeprefix("sha256:")[:12]
    assert call == [
        *("bencher", "run", "--project", "emtm", "--branch", "main", "--testbed", fingerprint),
        *("--adapter", "json", "--file", "bmf.json"),
    ]
    (export,) = called(shell, "python -m bench.report export")
    assert export[-2:] == ["--out", "bmf.json"]


@pytest.mark.slow
def test_asv_publishes_what_was_exported(shell: Shell) -> None:
    shell.run("pytest bench/")
    done = shell.run(snippets()["asv"].text)
    assert done.returncode == 0, done.stderr
    (export,) = called(shell, "python -m bench.report export")
    assert export[4:6] == ["--to", "asv"] and export[-2:] == ["--out", "asv"]
    assert called(shell, "asv") == [["asv", "publish", "--config", "asv/asv.conf.json"]]
