"""Who can check a fixture, and what it says."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch

from emtm.errors import UserError
from emtm.parity.fixture import TOLERANCE, Check, Fixture, Row, read_fixture

_CHECKS = (
    "emtm.parity.distillation",
    "emtm.parity.span_family",
    "emtm.parity.vslnet",
    "emtm.parity.emb",
    "emtm.parity.tan2d",
    "emtm.parity.moment_detr",
    "emtm.parity.ban_apr",
    "emtm.parity.cca",
    "emtm.parity.map_labels",
    "emtm.parity.eamat",
    "emtm.parity.labels",
    "emtm.parity.labels_zoo",
    "emtm.parity.unification",
    "emtm.parity.emtm_data",
)
"""Modules with `recognise(fixture) -> Check | None`."""

_MISFITS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What NumPy and PyTorch raise on arrays that do not fit together."""


def check_fixture(path: Path) -> list[Row]:
    """All rows of one file; a single failing row `unrecognised` if no check knows its arrays.

    Arrays that were not read have rows of their own.

    Raises:
        UserError: an array is missing, or does not fit the others; the sentence names it.
    """
    return check(read_fixture(path))


def check(fixture: Fixture) -> list[Row]:
    """`check_fixture` of arrays that were read already."""
    for name in _CHECKS:
        found: Check | None = importlib.import_module(name).recognise(fixture)
        if found is not None:
            with torch.no_grad():
                return [*_rows(fixture, found), *fixture.left_over()]
    if "config_json" not in fixture and any(key.startswith("param::") for key in fixture.arrays):
        raise UserError(f"{fixture.name} lacks the array 'config_json', which says whose weights it holds")
    return [Row(fixture.name, "unrecognised", "none", None, TOLERANCE, False)]


def _rows(fixture: Fixture, found: Check) -> list[Row]:
    try:
        return list(found(fixture))
    except _MISFITS as error:
        said = str(error).strip().partition("\n")[0]
        raise UserError(
            f"{fixture.name}: its arrays do not fit together ({said}); '{fixture.last_read}' was the last one read"
        ) from error


def find_fixtures(paths: list[Path]) -> list[Path]:
    """Files given, and the .npz files directly inside directories given."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob("*.npz"))
            if not inside:
                raise UserError(f"no .npz fixture in {path}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"{path} does not exist")
    return found
