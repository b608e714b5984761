"""Audits as JSON: written by the command, read by reports and claims."""

from __future__ import annotations

import re
from pathlib import Path

from bench.audit.record import FORMAT, Audit
from bench.codec import MalformedError, decode, encode
from bench.missing import Json
from bench.results import SchemaInvalidError
from emtm.errors import UserError
from emtm.files import read_json

_NUMBER = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")


def document(audit: Audit) -> dict[str, Json]:
    """Everything that was found."""
    return encode(audit)


def read_audit(path: Path) -> Audit:
    """The audit at `path`.

    Raises UserError when it cannot be read or is no audit, SchemaInvalidError when it is a damaged one.
    """
    doc = read_json(path)
    if not isinstance(doc, dict) or doc.get("format") != FORMAT:
        raise UserError(f"{path} is not an audit ({FORMAT}); `python -m bench.report audit --json` prints one")
    try:
        audit = decode(Audit, doc)
    except MalformedError as error:
        raise SchemaInvalidError(f"{path} is damaged: {error}") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply") from None
    for figure in (figure for row in audit.rows for figure in row.figures):
        number = figure.printed.partition(" ")[0]
        if not (_NUMBER.fullmatch(number) and float(number) and figure.value > 0):
            raise SchemaInvalidError(f"{path} is damaged: '{figure.printed[:40]}' is no printed figure of a cost")
    return audit
