"""Who may import whom, held by reading the import statements."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module}
    return found


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def uses(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("path", modules("emtm"), ids=lambda p: str(p.relative_to(ROOT)))
def test_emtm_imports_neither_baselines_nor_bench(path: Path) -> None:
    assert not [n for n in imports(path) if uses(n, "baselines") or uses(n, "bench")]


@pytest.mark.parametrize("path", modules("baselines"), ids=lambda p: p.stem)
def test_baselines_import_only_data_layers_and_contract(path: Path) -> None:
    ours = [n for n in imports(path) if n.split(".")[0] in ("emtm", "baselines", "bench")]
    allowed = ("emtm.data", "emtm.layers", "emtm.contract")
    assert all(any(uses(n, a) for a in allowed) for n in ours)


def test_nothing_imports_bench() -> None:
    for path in modules("emtm") + modules("baselines"):
        assert not any(uses(n, "bench") for n in imports(path))


def test_data_and_metrics_do_not_reach_back() -> None:
    for path in modules("emtm/data"):
        assert not any(uses(n, p) for n in imports(path) for p in ("emtm.training", "emtm.layers"))
    for path in modules("emtm/metrics"):
        assert not any(uses(n, p) for n in imports(path) for p in ("emtm.training", "emtm.layers", "emtm.contract"))
