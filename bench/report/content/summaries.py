"""Summaries of studies, as files: of a known format, whole, and as their schema says."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from emtm.errors import UserError
from emtm.files import read_json

_LONGEST_OFFENCE = 160


def format_of(path: Path) -> str:
    """What a summary calls its format; empty where it does not.

    Raises UserError when it cannot be read.
    """
    return _format(read_json(path))


def validated(path: Path, form: str, schema: str) -> dict[str, Any]:
    """The summary at `path` of a format, which `schema` of the package describes.

    Raises UserError when it cannot be read, is not such a summary, or is damaged.
    """
    doc = read_json(path)
    found = _format(doc)
    if not found.startswith(form.partition("/")[0] + "/"):
        raise UserError(f"{path} is not the summary.json of a study; `python -m emtm reproduce` writes one")
    if found != form:
        raise UserError(f"{path} has format {found}, which is not one this suite reads ({form})")
    offence = next(_validator(schema).iter_errors(doc), None)
    if offence is not None:
        where = ".".join(str(part) for part in offence.absolute_path) or "the file"
        what = offence.message if len(offence.message) <= _LONGEST_OFFENCE else f"breaks the rule '{offence.validator}'"
        raise UserError(f"{path} is damaged: {where}: {what}")
    assert isinstance(doc, dict)
    return doc


def _format(doc: Any) -> str:
    return str(doc.get("format") or "") if isinstance(doc, dict) else ""


@cache
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((files("bench.schema") / schema).read_text("utf-8")))
