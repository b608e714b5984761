"""A selftest that was written earlier, to be gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.ab.sequential import Estimate
from bench.ab.session import Outcome, Trial
from bench.codec import decode
from bench.run import Environment
from bench.selftest.document import SCHEMA, VERSION, Selftest, Sitting
from bench.selftest.gate import Gate
from bench.selftest.truths import Truth
from bench.verdict import Verdict
from emtm.errors import UserError
from emtm.files import read_json


def read_selftest(path: Path) -> Selftest:
    """The sittings of a file; raises UserError for what is no selftest of this version."""
    doc = read_json(path)
    if not isinstance(doc, dict) or (doc.get("schema"), doc.get("schema_version")) != (SCHEMA, VERSION):
        raise UserError(f"{path} is no {SCHEMA} {VERSION}")
    try:
        return Selftest([_sitting(sitting) for sitting in doc["sittings"]])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path} cannot be gone on with: {type(error).__name__}: {error}") from error


def _sitting(doc: Mapping[str, Any]) -> Sitting:
    return Sitting(
        created_utc=str(doc["created_utc"]),
        seed=int(doc["seed"]),
        truths=[Truth(**{name: value for name, value in truth.items() if name != "ok"}) for truth in doc["truths"]],
        gate=Gate(tuple(_outcome(session) for session in doc["sessions"])),
        environment=decode(Environment, doc["env"]),
    )


def _outcome(doc: Mapping[str, Any]) -> Outcome:
    return Outcome(tuple(map(_trial, doc["trials"])), (), int(doc["rounds"]), float(doc["elapsed_s"]))


def _trial(doc: Mapping[str, Any]) -> Trial:
    found = None
    if doc["ratio"] is not None:
        low, high = doc["interval"]
        verdict = Verdict(doc["verdict"])
        found = Estimate(
            len(doc["round_log_ratios"]), doc["ratio"], low, high, doc["p"], verdict is Verdict.SAME, doc["resolution"]
        )
    return Trial(
        str(doc["case_id"]),
        [float(log) for log in doc["round_log_ratios"]],
        int(doc["pairs"]),
        found,
        Verdict(doc["verdict"]),
        str(doc["reason"]),
    )
