"""A plug-in that is broken breaks itself alone, and is named in one sentence."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import outside_xdist
from tests.test_plugin import install

ROOT = Path(__file__).resolve().parents[1]
MODULES = {
    "raising": "raise RuntimeError('boom\\nand more')",
    "exiting": "import sys\nsys.exit(3)",
    "importing": "import a_package_that_is_not_there",
    "classless": "Model = 3",
    "foreign": "class Model: pass",
    "nameless": "",
    "bare": "from emtm.contract import GroundingModel\nclass Model(GroundingModel): pass",
    "halfway": (
        "from emtm.registry import model_class\n"
        "class Model(model_class('vslnet')):\n"
        "    def __init__(self, config, lexicon): raise SystemExit('not today')"
    ),
    "thief": "raise SystemExit('never imported')",
}
REASONS = {
    "raising": "cannot be loaded: RuntimeError: boom and more",
    "exiting": "cannot be loaded: it exits with 3",
    "importing": "cannot be loaded: ModuleNotFoundError: No module named 'a_package_that_is_not_there'",
    "classless": "is no class of a GroundingModel",
    "foreign": "is no class of a GroundingModel",
    "nameless": "cannot be loaded: AttributeError",
    "bare": "has no `info`",
    "halfway": "cannot be built: it exits with 'not today'",
}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs Python in a fresh interpreter, with all of the broken packages installed."""
    top = tmp_path_factory.mktemp("broken")
    (top / "site").mkdir()
    for name, module in MODULES.items():
        title = "vslnet" if name == "thief" else f"a-{name}"
        project = {
            "name": f"a-{name}-package",
            "version": "1",
            "entry-points": {"emtm.models": {title: f"{name}_plugin:Model"}},
        }
        install(top / "site", project, module)
    entry_points = top / "site" / "thief_plugin-1.dist-info" / "entry_points.txt"
    entry_points.write_text(entry_points.read_text() + "a-odd = no class at all!\n")
    path = os.pathsep.join([str(top / "site"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**outside_xdist(), "PYTHONPATH": path, "EMTM_CACHE": str(top / "cache")}

    def call(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)

    return call


def test_models_lists_the_others_and_names_each(run: Run) -> None:
    for _ in range(2):  # the second time what can be kept comes from the cache
        done = run("-m", "emtm", "models", "--json")
        assert done.returncode == 0, done.stderr
        names = {card["name"] for card in json.loads(done.stdout)}
        assert {"vslnet", "emtm", "seqpan"} <= names and not any(name.startswith("a-") for name in names)
        lines = done.stderr.splitlines()
        assert len(lines) == len(MODULES) + 1
        for name, reason in REASONS.items():
            (line,) = (line for line in lines if f"'a-{name}' of a-{name}-package" in line)
            assert line.startswith("warning: ") and reason in line
        assert "warning: model vslnet of a-thief-package is left out: its name is taken by emtm-bench" in lines
        (odd,) = (line for line in lines if "a-odd of a-thief-package" in line)
        assert "does not name a class" in odd


@pytest.mark.parametrize("name", ["raising", "exiting", "classless"])
def test_training_a_broken_one_is_one_sentence(name: str, run: Run, tmp_path: Path) -> None:
    done = run("-m", "emtm", "train", f"a-{name}", "--dataset", "smoke", "--out", tmp_path / "run")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and REASONS[name] in done.stderr
    assert not (tmp_path / "run").exists()


def test_training_the_built_in_says_that_another_wanted_its_name(run: Run, tmp_path: Path) -> None:
    arguments = ["--dataset", "smoke", "--set", "epochs=0", "--out", tmp_path / "run"]
    done = run("-m", "emtm", "train", "vslnet", *arguments)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first == "warning: model vslnet of a-thief-package is left out: its name is taken by emtm-bench"
    assert "epochs" in second


def test_the_bench_measures_the_others_and_names_each(run: Run, tmp_path: Path) -> None:
    code = (
        "import json, pathlib\n"
        "from bench.cases import build_matrix\n"
        "from bench.profiles import PROFILES\n"
        f"matrix = build_matrix(pathlib.Path({str(tmp_path)!r}), PROFILES['smoke'])\n"
        "records = [broken.record() for broken in matrix.broken]\n"
        "print(json.dumps([[r.case_id, r.reason] for r in records]), len({c.model for c in matrix.cases}))"
    )
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    found, _, models = done.stdout.rpartition(" ")
    reasons = dict(json.loads(found))
    assert len(reasons) == len(MODULES)
    for name in REASONS.keys() - {"halfway"}:  # that is a model until it is built
        assert REASONS[name] in reasons[f"a-{name}|unknown|single_stream|unavailable"]
    assert "is taken by emtm-bench" in reasons["vslnet of a-thief-package|unknown|single_stream|unavailable"]
    assert int(models) >= 12
