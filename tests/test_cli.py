"""The commands as a stranger types them."""

import json
import subprocess
import sys

import pytest

COMMANDS = ("models", "datasets", "train", "evaluate", "predict", "extract", "parity")


def emtm(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emtm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    result = emtm(command, "--help")
    assert result.returncode == 0
    assert f"Example: python -m emtm {command}" in result.stdout


def test_models_lists_origin_and_size() -> None:
    rows = {row["name"]: row for row in json.loads(emtm("models", "--json").stdout)}
    assert {"emtm-student", "seqpan", "vslnet"} <= set(rows)
    assert rows["emtm-student"]["trainable_parameters"]["charades-sta"] == 673_650
    assert rows["vslnet"]["reference_licence"] == "MIT"
    assert "SeqPAN" in emtm("models").stdout or "seqpan" in emtm("models").stdout


def test_datasets_lists_and_reports_floors() -> None:
    names = {row["name"] for row in json.loads(emtm("datasets", "--json").stdout)}
    assert {"smoke", "synth-charades", "synth-anet", "synth-tacos", "charades-sta"} <= names
    report = json.loads(emtm("datasets", "smoke", "--json").stdout)
    assert report["queries"] == {"train": 1600, "val": 300, "test": 400}
    assert {"fixed_best", "drawn_from_train", "query_only", "video_only"} <= set(report["floors"])
    assert "query_only" in emtm("datasets", "smoke").stdout


def test_unknown_names_suggest_the_nearest() -> None:
    result = emtm("datasets", "synth-charade")
    assert result.returncode == 2
    assert "synth-charades" in result.stderr


def test_version_and_usage_error() -> None:
    assert emtm("--version").stdout.strip()
    assert emtm("trian").returncode == 2
