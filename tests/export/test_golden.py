"""Every format of a few cases of the example run is the stored one.

`python -m tests.export.test_golden` stores them anew after a change that is meant to show.
"""

from pathlib import Path

import pytest

from bench.export.formats import FORMATS
from tests.export.conftest import few_cases, rendered

GOLDEN = Path(__file__).with_name("golden")


def files_of(name: str) -> dict[str, str]:
    """Contents by path under the folder of the stored files."""
    rendering = rendered(name, few_cases())
    return {f"{name}.txt" if path == "." else f"{name}/{path}": text for path, text in rendering.files.items()}


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("name", [kind.name for kind in FORMATS])
def test_an_export_is_the_stored_one(name: str) -> None:
    found = [path for path in (GOLDEN / name).rglob("*") if path.is_file()] or [GOLDEN / f"{name}.txt"]
    assert files_of(name) == {path.relative_to(GOLDEN).as_posix(): path.read_text("utf-8") for path in found}


if __name__ == "__main__":
    import os
    import shutil

    os.chdir("/")  # No repository may add its own facts.
    for kind in FORMATS:
        shutil.rmtree(GOLDEN / kind.name, ignore_errors=True)
        for path, text in files_of(kind.name).items():
            (GOLDEN / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / path).write_text(text, "utf-8")
