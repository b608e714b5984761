"""Who may import whom, held by reading the import statements; each rule is seen to fail on a copy of the tree."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.imports import Import, imports

ROOT = Path(__file__).resolve().parents[1]
ORDER = (
    {"emtm"},  # its version
    {"emtm.errors"},
    {"emtm.temporary"},
    {"emtm.config", "emtm.files", "emtm.memory", "emtm.processes", "emtm.processor"},
    {"emtm.data"},
    {"emtm.contract", "emtm.metrics"},
    {"emtm.registry", "emtm.layers"},
    {"emtm.student", "emtm.training"},
    {"emtm.distillation", "emtm.deploy"},
    {"emtm.parity"},
    {"emtm.cli"},
    {"emtm.__main__"},
    {"baselines"},  # what they may import is less than what stands before them: FOR_BASELINES
    {"bench"},
)
"""Rooms from the ground up: each imports from itself and from those before it, never from its neighbours."""
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
FOR_BASELINES = {"emtm.data", "emtm.contract", "emtm.layers"}


def room(module: str) -> str:
    """`emtm.data.text` -> `emtm.data`; the baselines and the harness are one room each."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "emtm" else parts[0]


def allowed(found: Import) -> bool:
    """Whether an import keeps to the order; a room that is not in it may import nothing and be imported by none."""
    here, there = room(found.module), room(found.target)
    if here not in LEVEL or there not in LEVEL:
        return False
    if here == "baselines":
        # A model may be a package; it is its own then, and still nobody else's.
        return there in FOR_BASELINES or found.target.split(".")[:2] == found.module.split(".")[:2]
    return here == there or LEVEL[there] < LEVEL[here]


def climbs(root: Path) -> list[Import]:
    """Imports under `root` that the rules forbid."""
    return [found for found in imports(root) if not allowed(found)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources to plant lines in."""
    for package in ("emtm", "baselines"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def plant(root: Path, file: str, text: str) -> int:
    """Append `text` to a file; gives the line on which it begins."""
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text("utf-8") if path.exists() else ""
    path.write_text(before + text + "\n", "utf-8")
    return before.count("\n") + 1


def test_no_import_climbs() -> None:
    assert climbs(ROOT) == []


def test_every_module_has_a_room() -> None:
    assert {room(found.module) for found in imports(ROOT)} <= set(LEVEL)
    assert {found.module for found in imports(ROOT)} > {"emtm.data.text", "emtm.cli.app", "baselines.seqpan"}


@pytest.mark.parametrize(
    ("file", "text", "offset", "target"),
    [
        ("emtm/errors.py", "from emtm.data.text import Lexicon", 0, "emtm.data.text"),
        ("emtm/data/text.py", "import emtm.contract as contract", 0, "emtm.contract"),
        ("emtm/data/text.py", "from emtm import registry", 0, "emtm.registry"),
        ("emtm/data/text.py", "from ..metrics import iou", 0, "emtm.metrics.iou"),
        ("emtm/data/features/__init__.py", "from ...training.loop import train", 0, "emtm.training.loop"),
        ("emtm/metrics/iou.py", "from emtm.contract import Losses", 0, "emtm.contract"),
        ("emtm/layers/masking.py", "from emtm.registry import model_class", 0, "emtm.registry"),
        ("emtm/layers/masking.py", "def late():\n    from emtm.training.loop import train", 1, "emtm.training.loop"),
        (
            "emtm/training/runs.py",
            "if TYPE_CHECKING:\n    import emtm.distillation.model",
            1,
            "emtm.distillation.model",
        ),
        ("emtm/training/runs.py", "importlib.import_module('emtm.distillation.study')", 0, "emtm.distillation.study"),
        ("emtm/student.py", "from emtm.training import runs", 0, "emtm.training.runs"),
        ("emtm/distillation/model.py", "from emtm.parity.fixture import Row", 0, "emtm.parity.fixture"),
        ("emtm/parity/fixture.py", "from emtm.cli import app", 0, "emtm.cli.app"),
        ("emtm/cli/app.py", "from baselines.seqpan import SeqPAN", 0, "baselines.seqpan"),
        ("emtm/cli/app.py", "from bench.cases import Case", 0, "bench.cases"),
        ("emtm/stray.py", "from emtm.errors import UserError", 0, "emtm.errors"),
        ("baselines/seqpan.py", "from baselines.vslnet import VSLNet", 0, "baselines.vslnet"),
        ("baselines/seqpan.py", "from .vslnet import VSLNet", 0, "baselines.vslnet"),
        ("baselines/seqpan.py", "from emtm.errors import UserError", 0, "emtm.errors"),
        ("baselines/seqpan.py", "from emtm.student import EMTMStudent", 0, "emtm.student"),
        ("baselines/seqpan.py", "import bench.cases", 0, "bench.cases"),
    ],
)
def test_a_planted_climb_is_found(copy: Path, file: str, text: str, offset: int, target: str) -> None:
    line = plant(copy, file, text) + offset
    (found,) = climbs(copy)
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert (found.module, found.line, found.target) == (module, line, target)


def test_every_pair_of_rooms_is_held(copy: Path) -> None:
    """A module in every room that imports every room climbs to all but those below it."""
    packages = {here for here in LEVEL if here != "emtm" and (copy / here.replace(".", "/")).is_dir()}
    for here in packages:
        plant(copy, f"{here.replace('.', '/')}/planted.py", "\n".join(f"import {there}" for there in LEVEL))
    upward = {(here, there) for here in packages for there in LEVEL if here != there and LEVEL[there] >= LEVEL[here]}
    upward |= {("baselines", there) for there in set(LEVEL) - FOR_BASELINES}
    assert {(room(climb.module), climb.target) for climb in climbs(copy)} == upward
    assert packages > {"emtm.data", "emtm.metrics", "emtm.layers", "emtm.training", "emtm.cli", "baselines"}


def test_a_model_may_be_a_package(copy: Path) -> None:
    plant(copy, "baselines/mine/__init__.py", "from baselines.mine.parts import Part\nfrom .parts import Whole")
    plant(copy, "baselines/mine/parts.py", "from emtm.layers.masking import mask_logits")
    assert climbs(copy) == []
    plant(copy, "baselines/seqpan.py", "from baselines.mine.parts import Part")
    assert [climb.module for climb in climbs(copy)] == ["baselines.seqpan"]
