"""Blocks put into a case's record by their class: each class has one place there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import cache
from typing import Any, get_args, get_type_hints

from bench.missing import ABSENT, Block, Missing
from bench.record import CaseRecord


@cache
def places() -> dict[type[Block], str]:
    """Class of a block -> name of the field that holds it."""
    hints = get_type_hints(CaseRecord)
    kinds = ((name, kind) for name, hint in hints.items() for kind in (hint, *get_args(hint)))
    return {kind: name for name, kind in kinds if isinstance(kind, type) and issubclass(kind, Block)}


def with_blocks(record: CaseRecord, blocks: Iterable[Block]) -> CaseRecord:
    """The record with these blocks in place of what stood there."""
    changes: dict[str, Any] = {places()[type(block)]: block for block in blocks}
    return dataclasses.replace(record, **changes)


def holds(record: CaseRecord, kinds: Iterable[type[Block]]) -> bool:
    """Are all blocks of these classes there, or missing for a reason that was found?"""
    return all(getattr(record, places()[kind]) != ABSENT for kind in kinds)


def without_blocks(record: CaseRecord, kinds: Iterable[type[Block]], reason: str) -> CaseRecord:
    """The record without blocks of these classes, for `reason`."""
    changes: dict[str, Any] = dict.fromkeys((places()[kind] for kind in kinds), Missing(reason))
    return dataclasses.replace(record, **changes)
