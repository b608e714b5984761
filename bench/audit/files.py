"""Audits as JSON: written by the command, read by reports and claims."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bench.audit.fitted import Fitted
from bench.audit.record import FORMAT, Audit
from bench.codec import MalformedError, decode, encode
from bench.missing import Json
from bench.results import SchemaInvalidError
from emtm.errors import UserError


def document(audit: Audit, fitted: Sequence[Fitted] | None = None) -> dict[str, Json]:
    """Everything that was found; `fit` is there where it was searched for."""
    return encode(audit) | ({} if fitted is None else {"fit": [encode(one) for one in fitted]})


def read_audit(path: Path) -> Audit:
    """The audit at `path`.

    Raises UserError when it cannot be read or is no audit, SchemaInvalidError when it is a damaged one.
    """
    try:
        doc = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(doc, dict) or doc.get("format") != FORMAT:
        raise UserError(f"{path} is not an audit ({FORMAT}); `python -m bench.report audit --json` prints one")
    try:
        return decode(Audit, doc)
    except MalformedError as error:
        raise SchemaInvalidError(f"{path} is damaged: {error}") from None
