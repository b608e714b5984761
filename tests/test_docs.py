"""The pages build without a warning, and name no command or option that is not there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from bench import count, following
from bench.cli.app import app as report
from bench.gpu_check.__main__ import app as gpu_check
from bench.peers.__main__ import app as peers
from emtm.cli.app import app as emtm

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PROGRAMS = {
    "emtm": typer.main.get_command(emtm),
    "bench.report": typer.main.get_command(report),
    "bench.count": typer.main.get_command(count.app),
    "bench.following": typer.main.get_command(following.app),
    "bench.gpu_check": typer.main.get_command(gpu_check),
    "bench.peers": typer.main.get_command(peers),
}


def commands(text: str) -> Iterator[list[str]]:
    """Words of each `python -m PROGRAM ...` of a page, in blocks and within lines, without placeholders."""
    for found in re.finditer(
        r"python -m (?:emtm|bench\.\w+)\b(?:[^`\\\n]|\\[\n|])*", re.sub(r"\$\([^)]*\)", " ", text)
    ):
        line = re.split(r" (?:&&|\|\||[|>#]) |;", found[0].replace("\\\n", " ").replace("\\|", " "))[0]
        yield re.sub(r"""[][,'"]""", " ", line).split()[2:]


def unknown(program: str, words: list[str]) -> list[str]:
    """Those of a command that its program does not know."""
    command = PROGRAMS[program]
    if isinstance(command, TyperGroup):
        if words and words[0] in command.commands:
            command = command.commands[words[0]]
        elif program == "bench.report":
            command = command.commands["report"]
        elif words and re.fullmatch("[a-z-]+", words[0]):
            return [words[0]]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return [word for word in words if word.startswith("-") and word.partition("=")[0] not in {"-", "--help", *options}]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_of_a_page_is_there(page: Path) -> None:
    found = [
        (words, unknown(words[0], words[1:])) for words in commands(page.read_text("utf-8")) if words[0] in PROGRAMS
    ]
    assert [(words, strange) for words, strange in found if strange] == []


def test_a_page_that_names_what_is_not_there_is_noticed() -> None:
    text = "`python -m emtm trian x` and\n\n    python -m bench.report compare A B \\\n        --marckdown > file\n"
    assert [unknown(words[0], words[1:]) for words in commands(text)] == [["trian"], ["--marckdown"]]


def test_pages_build_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="the extra 'docs' is not installed")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(tmp_path / "read"), "docs"]
    done = subprocess.run([*command, str(tmp_path / "pages")], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    api = (tmp_path / "pages" / "api.html").read_text("utf-8")
    assert "emtm.deploy.grounder.Grounder.ground" in api and "bench.results.read_run" in api
