"""What a session found as a record, and the record as a file."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import stats
from bench.codec import MalformedError, decode, encode
from bench.git import git
from bench.instruments.environment import commit, dirty
from bench.missing import ABSENT, Missing, known, or_missing
from bench.peers.contests import BASE, TWIN
from bench.peers.peer import Peer
from bench.peers.record import SCHEMA, PeerCase, PeerCode, PeerRow, PeerRun
from bench.peers.session import Outcome, Timing, Trial
from bench.results import SchemaInvalidError
from bench.run import Environment
from emtm import __version__
from emtm.errors import UserError
from emtm.files import parse_json

_ONE_ROUND = "one round alone has no interval of rounds"
_NOT_TIMED = "it was not timed"


def record(
    peer: Peer,
    code: Path,
    outcome: Outcome,
    environment: Environment,
    argv: Sequence[str],
    planned_rounds: int,
    seed: int,
) -> PeerRun:
    """Everything, raw numbers of all rounds included."""
    root = Path(__file__).resolve().parents[2]
    return PeerRun(
        created_utc=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        version=__version__,
        commit=commit(root),
        dirty=dirty(root),
        argv=tuple(argv),
        peer=PeerCode(
            name=peer.name,
            title=peer.title,
            repository=peer.repository,
            commit=peer.commit,
            files=dict(peer.files),
            checkout=or_missing(_head(code), "the checkout is no repository of its own"),
        ),
        versions={name: dict(found) for name, found in outcome.versions.items()},
        seed=seed,
        planned_rounds=planned_rounds,
        rounds=outcome.rounds,
        elapsed_s=outcome.elapsed_s,
        env=environment,
        cases=tuple(map(_case, outcome.trials)),
    )


def _head(code: Path) -> str | None:
    """Commit of a checkout; None for a folder that only lies within another repository."""
    top = git(code, "rev-parse", "--show-toplevel")
    return git(code, "rev-parse", "HEAD") if top is not None and Path(top) == code.resolve() else None


def _case(trial: Trial) -> PeerCase:
    contest, shape = trial.contest, trial.contest.shape
    found = tuple(_row(timing) for timing in trial.timings)
    twin = next(row for row in found if row.name == TWIN)
    reach = known(twin.speedup_ci99)
    return PeerCase(
        case_id=contest.case_id,
        model=contest.model,
        dataset=contest.dataset,
        kind=contest.kind,
        batch_size=contest.batch_size,
        num_clips=shape.num_clips,
        num_words=shape.num_words,
        num_chars=shape.num_chars,
        resolution=or_missing(None if reach is None else max(1 - reach[0], reach[1] - 1), _ONE_ROUND),
        noise=tuple(trial.noise),
        rows=found,
    )


def _row(timing: Timing) -> PeerRow:
    row, timed = timing.row, bool(timing.round_s)
    reason = timing.reason or _NOT_TIMED
    call_s, interval = stats.geometric_mean(timing.round_s) if timed else (None, None)
    speedup, reach = _speedup(timing.round_log_ratios)
    base = row.name == BASE
    ratio_reason = "the others are held against it" if base else _ONE_ROUND if timed else reason
    return PeerRow(
        name=row.name,
        title=row.title,
        ours=row.ours,
        call_s=or_missing(call_s, reason),
        call_ci99_s=or_missing(interval, _ONE_ROUND if timed else reason),
        round_s=tuple(timing.round_s),
        speedup=or_missing(speedup, ratio_reason),
        speedup_ci99=or_missing(reach, ratio_reason),
        round_log_ratios=tuple(timing.round_log_ratios),
        pairs=timing.pairs,
        parity=dict(timing.parity) if timing.parity else Missing(_unasked(timing)),
        reason=timing.reason or ABSENT,
    )


def _unasked(timing: Timing) -> str:
    if timing.row.name == BASE:
        return "the others are held against it"
    return (timing.reason or "it did not answer") if timing.row.compared else "its objective is not the published one"


def _speedup(log_ratios: Sequence[float]) -> tuple[float | None, tuple[float, float] | None]:
    if not log_ratios:
        return None, None
    return stats.geometric_mean([math.exp(-value) for value in log_ratios])


def text(run: PeerRun) -> str:
    """The file's content."""
    return json.dumps(encode(run), indent=1, allow_nan=False) + "\n"


def read(path: Path) -> PeerRun:
    """Inverse of `text`; raises UserError, or its kin of a bad schema, for anything else."""
    try:
        doc = parse_json(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    except ValueError as error:
        raise SchemaInvalidError(f"{path}: {error}") from None
    if not isinstance(doc, dict) or doc.get("schema") != SCHEMA:
        raise SchemaInvalidError(f"{path} is no comparison with a peer")
    try:
        return decode(PeerRun, doc)
    except MalformedError as error:
        raise SchemaInvalidError(f"{path}: {error}") from None
