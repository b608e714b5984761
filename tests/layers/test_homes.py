"""What stands in emtm.layers is shared: two models or more need each of its modules."""

from __future__ import annotations

import shutil
from collections import defaultdict
from pathlib import Path

from tests.imports import imports

ROOT = Path(__file__).resolve().parents[2]


def model_of(module: str) -> str | None:
    """The model that a module belongs to; the student and EMTM count as one each."""
    parts = module.split(".")
    if parts[0] == "baselines" and len(parts) > 1:
        return parts[1]
    return parts[1] if module == "emtm.student" or module.startswith("emtm.distillation.") else None


def users(root: Path) -> dict[str, set[str]]:
    """Models that import each module of the layers, directly or through other layers."""
    into: dict[str, set[str]] = defaultdict(set)
    for found in imports(root):
        into[found.target].add(found.module)
    modules = {".".join(p.relative_to(root).with_suffix("").parts) for p in (root / "emtm/layers").rglob("[!_]*.py")}
    reached: dict[str, set[str]] = {}
    for module in modules:
        seen, waiting = set(), {module}
        while waiting:
            seen |= waiting
            layers = {name for name in waiting if name.startswith("emtm.layers.")}
            waiting = set().union(*(into[name] for name in layers)) - seen
        reached[module] = {model for name in seen if (model := model_of(name))}
    return reached


def test_every_layer_is_shared() -> None:
    found = users(ROOT)
    assert {name: models for name, models in found.items() if len(models) < 2} == {}
    assert found["emtm.layers.detr.conditional_decoder"] == {"qd_detr", "eatr"}
    assert found["emtm.layers.dropout"] > {"ban_apr", "emb", "cpl", "student", "distillation"}


def test_a_block_of_one_model_is_noticed(tmp_path: Path) -> None:
    for package in ("emtm", "baselines"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "emtm/layers/lonely.py").write_text("from emtm.layers.masking import key_bias\n", "utf-8")
    with (tmp_path / "baselines/tan2d.py").open("a", encoding="utf-8") as file:
        file.write("import emtm.layers.lonely\n")
    assert users(tmp_path)["emtm.layers.lonely"] == {"tan2d"}
