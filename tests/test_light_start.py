"""Help texts, and the catalogue once it is known, are printed without what only computing needs."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer

from emtm.cli import app, cards
from tests.cards import cards as shipped_cards

HEAVY = {"torch", "pandas", "matplotlib", "scipy", "numpy"}
COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
SCRIPT = """
import json, runpy, sys
module, *sys.argv[1:] = sys.argv[1:]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def run(module: str, *arguments: str, cache: Path | None = None) -> tuple[str, set[str]]:
    """What `python -m module` prints, and the packages that it has imported when it ends."""
    environment = {**os.environ, **({"EMTM_CACHE": str(cache)} if cache else {})}
    command = [sys.executable, "-c", SCRIPT, module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_of_a_command_needs_no_torch(command: str) -> None:
    out, packages = run("emtm", *command.split(), "--help")
    assert "Usage: python -m emtm" in out
    assert "typer" in packages
    assert packages.isdisjoint(HEAVY)


def test_models_are_listed_without_torch_where_there_are_no_others(tmp_path: Path) -> None:
    out, packages = run("emtm", "models", "--json", cache=tmp_path / "none")
    assert packages.isdisjoint(HEAVY)
    assert not (tmp_path / "none").exists()
    assert json.loads(out) == [asdict(card) for card in sorted(cards.shipped(), key=lambda card: card.name)]


def test_the_shipped_cards_are_todays() -> None:
    for file, text in shipped_cards().items():
        assert file.read_text("utf-8") == text, "run python -m tests.cards"
    assert {card.name for card in cards.shipped()} >= {"emtm", "emtm-student", "seqpan", "qd-detr"}


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One registered model, `mine`, in a module of its own; gives the names of those that were counted."""
    (tmp_path / "mine_module.py").write_text("raise ImportError('only its text is read')\n")
    entry = EntryPoint("mine", "mine_module:Mine", "emtm.models")
    names: list[str] = []

    def make_card(name: str) -> cards.Card:
        names.append(name)
        return cards.Card(name, "baseline", "none", "none", "none", {"compact": len(names)})

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("EMTM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cards, "registered", lambda: {"mine": entry})
    monkeypatch.setattr(cards, "make_card", make_card)
    return names


def test_a_model_is_counted_again_when_its_code_changes(counted: list[str], tmp_path: Path) -> None:
    first, _ = cards.cards()
    assert cards.cards() == (first, {})
    assert counted == ["mine"]
    (tmp_path / "mine_module.py").write_text("raise ImportError('another size')\n")
    assert cards.cards()[0] != first
    assert counted == ["mine", "mine"]


def test_a_model_is_counted_again_when_what_was_kept_is_damaged(counted: list[str], tmp_path: Path) -> None:
    first, _ = cards.cards()
    (file,) = (tmp_path / "cache").rglob("*.json")
    file.write_text("{")
    assert cards.cards()[0] != first
    assert cards.cards()[0][0].trainable_parameters == {"compact": 2}
    assert counted == ["mine", "mine"]


def test_a_cache_that_cannot_be_written_costs_only_time(counted: list[str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("in the way")
    assert [card.name for card in cards.cards()[0]] == ["mine"]
    assert [card.name for card in cards.cards()[0]] == ["mine"]
    assert counted == ["mine", "mine"]
