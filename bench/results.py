"""Run files: what may stand in one, how it is checked, written and read.

A run file is JSON without NaN. A null always has a reason beside it: `x: null` needs `x_reason`
or a `reason` in the same object. Fields of later minor versions are kept as they are.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from bench.codec import MalformedError, decode, encode
from bench.record import CaseRecord
from bench.run import Run
from emtm.errors import ExitCode, UserError
from emtm.files import replacing

SCHEMA = "emtm-bench/result"
VERSION = "1.0.0"

Doc = dict[str, Any]

MIGRATIONS: dict[str, Callable[[Doc], Doc]] = {}
"""Version -> function from a document of that version to one of the next."""


class SchemaInvalidError(UserError):
    """A run file does not follow its schema."""

    exit_code = ExitCode.SCHEMA


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
    times = Counter(case["case_id"] for case in doc["cases"])
    twice = next((case_id for case_id, count in times.items() if count > 1), None)
    if twice is not None:
        raise SchemaInvalidError(f"case '{twice}' is there more than once")


def validate_case(record: CaseRecord) -> None:
    """Raises unless the record could stand in a run file.

    TypeError or ValueError for what JSON cannot hold, MalformedError for a value of another type than its place
    asks for, SchemaInvalidError for what the schema does not allow.
    """
    doc = encode(record)
    decode(CaseRecord, doc)
    error = best_match(_case_validator().iter_errors(doc))
    if error is not None:
        where = ".".join(str(part) for part in error.absolute_path) or "the case"
        raise SchemaInvalidError(f"{where}: {error.message}")
    for where in _unexplained_nulls(doc, ""):
        raise SchemaInvalidError(f"{where} is null without a reason")


def write_run(run: Run, path: Path) -> None:
    """Validates and writes a run; readers see the old file or the whole new one."""
    doc = encode(run)
    validate(doc)
    text = json.dumps(doc, indent=1, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial:
            partial.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


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
        doc = json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant, parse_float=_finite_number)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except SchemaInvalidError as error:
        raise SchemaInvalidError(f"{path}: {error}") from None
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply") from None
    try:
        migrated: Doc = migrate(doc)
        validate(migrated)
    except SchemaInvalidError as error:
        raise SchemaInvalidError(f"{path}: {error}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply") from None
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


def _items(validator: Any, items: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """The rule `items`, with a short way through lists of numbers and of strings, which are most of a run file."""
    if not (isinstance(instance, list) and instance and _plainly_sound(items, instance)):
        yield from Draft202012Validator.VALIDATORS["items"](validator, items, instance, schema)


def _plainly_sound(items: Doc, values: list[Any]) -> bool:
    """Do all follow a rule that is simple enough to be checked here?"""
    limits = set(items) - {"type"}
    if items.get("type") == "string" and not limits:
        return all(type(value) is str for value in values)
    if items.get("type") != "number" or not limits <= {"minimum", "maximum", "exclusiveMinimum"}:
        return False
    if not all(type(value) in (int, float) for value in values):
        return False
    numbers: list[float] = values
    above: float = items.get("exclusiveMinimum", -math.inf)
    least: float = items.get("minimum", -math.inf)
    most: float = items.get("maximum", math.inf)
    return min(numbers) > above and min(numbers) >= least and max(numbers) <= most


_Validator = extend(Draft202012Validator, {"items": _items})  # type: ignore[no-untyped-call]


@cache
def _schema() -> Doc:
    schema: Doc = json.loads((files("bench.schema") / f"result-{VERSION}.json").read_text("utf-8"))
    return schema


@cache
def _validator() -> Any:
    schema = _schema()
    return _Validator(_resolved({**schema, "$defs": {}}, schema["$defs"]))


@cache
def _case_validator() -> Any:
    definitions = _schema()["$defs"]
    return _Validator(_resolved(definitions["case"], definitions))


def _resolved(schema: Any, definitions: Doc) -> Any:
    """The schema with definitions in the place of references, which the validator would look up at every value."""
    if isinstance(schema, list):
        return [_resolved(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    return {key: _resolved(value, definitions) for key, value in schema.items()}


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
    raise SchemaInvalidError(f"{text} is no number that a run file may hold")


def _finite_number(text: str) -> float:
    # 1e999 is JSON, and infinity to Python.
    return number if math.isfinite(number := float(text)) else _refuse_constant(text)
