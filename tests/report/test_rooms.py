"""The rooms of the report, from what is known to what is written: no import climbs."""

import shutil
from pathlib import Path

import pytest

from tests.imports import Import, imports

ROOT = Path(__file__).parents[2]
ORDER = ("quantity", "content", "figures", "sections", "document", "formats", "__main__")


def room(module: str) -> str:
    """`bench.report.content.seeds` -> `content`."""
    return module.removeprefix("bench.report.").split(".")[0]


def climbs(root: Path) -> list[Import]:
    """Imports within bench/report that go up, or to a neighbour that is no room."""
    inside = [found for found in imports(root) if found.module.startswith("bench.report.")]
    inside = [found for found in inside if found.target.startswith("bench.report.")]
    return [found for found in inside if ORDER.index(room(found.target)) > ORDER.index(room(found.module))]


def test_no_import_climbs() -> None:
    assert climbs(ROOT) == []


@pytest.mark.parametrize(
    ("file", "target"),
    [
        ("content/seeds.py", "bench.report.sections.cells"),
        ("figures/pareto.py", "bench.report.sections.cost"),
        ("sections/cost.py", "bench.report.formats.csv"),
        ("sections/cost.py", "bench.report.document"),
        ("quantity.py", "bench.report.content.study"),
    ],
)
def test_a_planted_climb_is_found(tmp_path: Path, file: str, target: str) -> None:
    shutil.copytree(ROOT / "bench", tmp_path / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "bench/report" / file
    path.write_text(f"{path.read_text('utf-8')}\nimport {target}\n", "utf-8")
    assert [found.target for found in climbs(tmp_path)] == [target]
