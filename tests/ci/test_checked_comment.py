"""What may be posted in our name: our own comments, and nothing that only looks like one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.compare.comparison import compare
from bench.compare.markdown import markdown
from bench.results import read_run
from tests.ci.workflows import ROOT
from tests.verdict.runs import case, failed, run
from tests.verdict.test_markdown import HOSTILE, comparison


def load() -> ModuleType:
    """The script as a module: it belongs to no package, for it runs where none is installed."""
    spec = importlib.util.spec_from_file_location("checked_comment", ROOT / ".github/scripts/checked_comment.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECK = load()


@pytest.mark.parametrize("name", HOSTILE)
def test_our_comments_pass_whatever_the_names_say(name: str) -> None:
    assert CHECK.offence(markdown(comparison(name))) is None


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_our_comments_pass_for_any_name(name: str) -> None:
    assert CHECK.offence(markdown(compare(run(case(name), failed(case("b"))), run(case("c"), case("b"))))) is None


def test_the_comment_on_real_runs_passes() -> None:
    files = [ROOT / "reports" / "reference" / name for name in ("train-step-earlier.json", "train-step.json")]
    assert CHECK.offence(markdown(compare(*map(read_run, files)))) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SAME: no verdict in bold\n",
        "**SAME**: [click](https://evil.example)\n",
        "**SAME**: https://evil.example\n",
        "**SAME**: www.evil.example\n",
        "**SAME**: @everyone\n",
        "**SAME**: #1 and GH-1\n",
        "**SAME**: ![x](y)\n",
        "**SAME**: <img src=x>\n",
        "**SAME**: <code><img src=x></code>\n",
        "**SAME**: <code>`@everyone`</code>\n",
        "**SAME**: &#64;everyone\n",
        "**SAME**: 1\n\n    indented <script>\n",
        "**SAME**: 1\n</details></details><b>\n",
        "**SAME**: `code`\n",
        "**SAME**: " + "x" * 70_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    assert CHECK.offence(text) is not None


def test_a_file_that_is_not_there_or_no_text_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none.md", tmp_path / "bytes"):
        assert CHECK.main(path) == 1
        said = capsys.readouterr()
        assert (said.out, said.err.count("\n")) == ("", 1)
