"""The committed evidence, copies of it to plant changes in, and the verdicts on either."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.claims.claim import packaged_claims
from bench.claims.evidence import Evidence, gather
from bench.claims.judging import Judged, judge

REFERENCE = Path(__file__).parents[2] / "reports/reference"
Doc = dict[str, Any]
Change = Callable[[Doc], None]


def files() -> list[Path]:
    return [path for path in sorted(REFERENCE.glob("*.json")) if not path.stem.startswith(("search-", "campaign"))]


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    return gather(files())


@pytest.fixture(scope="session")
def judged(evidence: Evidence) -> tuple[Judged, ...]:
    return judge(packaged_claims(), evidence)


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[str, Change], list[Path]]:
    """The committed files, with those changed whose name starts so."""

    def plant(start: str, change: Change) -> list[Path]:
        paths = files()
        planted_in = [at for at, path in enumerate(paths) if path.name.startswith(start)]
        assert planted_in
        for at in planted_in:
            doc = json.loads(paths[at].read_text())
            change(doc)
            paths[at] = tmp_path / paths[at].name
            paths[at].write_text(json.dumps(doc))
        return paths

    return plant
