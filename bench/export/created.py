"""When a run was made."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.run import Run
from emtm.errors import UserError


def created_s(run: Run) -> int:
    """Seconds from 1970 to the start of the run; raises UserError where the run file names no day there is."""
    try:
        moment = datetime.strptime(run.created_utc.strip(), "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        raise UserError(f"run {run.run_id} says that it began at {run.created_utc!r}, which is no time") from None
    return int(moment.replace(tzinfo=UTC).timestamp())
