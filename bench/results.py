"""Run files: what may stand in one, how it is checked, written and read.

A run file is JSON without NaN. A null always has a reason beside it: `x: null` needs `x_reason`
or a `reason` in the same object. Fields of later minor versions are kept as they are.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from bench.codec import MalformedError, decode, encode
from bench.run import Run
from emtm.errors import ExitCode, UserError

SCHEMA = "emtm-bench/result"
VERSION = "1.0.0"

Doc = dict[str, Any]

MIGRATIONS: dict[str, Callable[[Doc], Doc]] = {}
"""Version -> function from a document of that version to one of the next."""


class SchemaInvalidError(UserError):
    """A run file does not follow its schema."""

    exit_code = ExitCode.SCHEMA


def to_jsonable(value: Any) -> Any:
    """Plain JSON form of dataclasses, numpy and torch scalars, mappings and sequences.

    NaN and infinity become null with a reason beside them. Raises TypeError for anything else, so
    that nothing is written as the text of an object.
    """
    plain = _plain(value, "value")
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError("a bare number cannot be null with a reason; put it in a mapping")
    return _finite(plain)


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.generic):
        return _plain(value.item(), where)
    if isinstance(value, torch.Tensor):
        if value.dim():
            raise TypeError(f"{where} is a tensor of {value.dim()} dimensions, not a scalar")
        return _plain(value.item(), where)
    if isinstance(value, int | float):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name), f"{where}.{f.name}") for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}, which is not a string")
        return {key: _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    raise TypeError(f"{where} is a {type(value).__name__}, which has no place in a run file")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        out: Doc = {}
        for key, item in value.items():
            out[key] = _finite(item)
            if _has_nonfinite(item) and f"{key}_reason" not in value:
                out[f"{key}_reason"] = "not a finite number"
        return out
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _has_nonfinite(value: Any) -> bool:
    if isinstance(value, list):
        return any(_has_nonfinite(item) for item in value)
    return isinstance(value, float) and not math.isfinite(value)


def explained(block: Mapping[str, Any], reason: str) -> Doc:
    """Copy of a block, nested ones included, in which every unexplained null has `reason`."""
    out: Doc = {}
    for key, value in block.items():
        out[key] = explained(value, reason) if isinstance(value, Mapping) else value
        if value is None and not _has_reason(block, key):
            out[f"{key}_reason"] = reason
    return out


def validate(doc: Any) -> None:
    """Raises SchemaInvalidError, naming the first offence, unless `doc` is a sound document."""
    if not isinstance(doc, dict) or doc.get("schema") != SCHEMA:
        raise SchemaInvalidError(f"this is not an {SCHEMA} document")
    errors = sorted(_validator().iter_errors(doc), key=lambda e: list(map(str, e.absolute_path)))
    if errors:
        where = ".".join(str(part) for part in errors[0].absolute_path) or "the document"
        raise SchemaInvalidError(f"{where}: {errors[0].message}")
    for where in _unexplained_nulls(doc, ""):
        raise SchemaInvalidError(f"{where} is null without a reason")
    ids = [case["case_id"] for case in doc["cases"]]
    for case_id in ids:
        if ids.count(case_id) > 1:
            raise SchemaInvalidError(f"case '{case_id}' is there more than once")


def validate_case(record: Doc) -> None:
    """Raises SchemaInvalidError unless a single case could stand in a document."""
    error = best_match(_case_validator().iter_errors(record))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "the case"
        raise SchemaInvalidError(f"{where}: {error.message}")
    for where in _unexplained_nulls(record, ""):
        raise SchemaInvalidError(f"{where} is null without a reason")


def write_run(run: Run | Doc, path: Path) -> None:
    """Validates and writes a run; readers see the old file or the whole new one."""
    doc = encode(run) if isinstance(run, Run) else run
    validate(doc)
    text = json.dumps(doc, indent=1, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def read_run(path: Path) -> Run:
    """The run in the file at `path`; raises as `read_document` does."""
    try:
        return decode(Run, read_document(path))
    except MalformedError as error:
        raise SchemaInvalidError(f"{path}: {error}") from None


def read_document(path: Path) -> Doc:
    """Document at `path`, migrated to the current version and validated.

    Raises UserError when the file cannot be read or is not JSON, and its subclass
    SchemaInvalidError when it does not follow the schema.
    """
    try:
        doc = json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from None
    try:
        migrated: Doc = migrate(doc)
        validate(migrated)
    except SchemaInvalidError as error:
        raise SchemaInvalidError(f"{path}: {error}") from None
    return migrated


def migrate(doc: Any) -> Any:
    """Document brought to the current major version; later minor versions pass unchanged."""
    if not isinstance(doc, dict) or not isinstance(doc.get("schema_version"), str):
        return doc
    while doc["schema_version"] in MIGRATIONS:
        doc = MIGRATIONS[doc["schema_version"]](doc)
    major = doc["schema_version"].partition(".")[0]
    if major != VERSION.partition(".")[0]:
        raise SchemaInvalidError(f"schema version {doc['schema_version']} is not one this suite reads ({VERSION})")
    return doc


@cache
def _schema() -> Doc:
    schema: Doc = json.loads((files("bench.schema") / f"result-{VERSION}.json").read_text("utf-8"))
    return schema


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_schema())


@cache
def _case_validator() -> Draft202012Validator:
    schema = _schema()
    return Draft202012Validator({"$defs": schema["$defs"], "$ref": "#/$defs/case"})


def _unexplained_nulls(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            name = f"{where}.{key}" if where else key
            empty = item is None or (isinstance(item, list) and None in item)
            if empty and not _has_reason(value, key):
                yield name
            yield from _unexplained_nulls(item, name)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _unexplained_nulls(item, f"{where}[{i}]")


def _has_reason(block: Mapping[str, Any], key: str) -> bool:
    if key == "reason" or key.endswith("_reason"):
        return True
    return any(isinstance(block.get(name), str) and block[name] for name in (f"{key}_reason", "reason"))


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def cases_by_id(doc: Doc) -> dict[str, Doc]:
    """Cases of a document by their id."""
    cases: Sequence[Doc] = doc["cases"]
    return {case["case_id"]: case for case in cases}
