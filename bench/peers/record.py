"""What a comparison with a peer found, as its file holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.missing import ABSENT, Block, Missing
from bench.record import Noise
from bench.run import Environment

SCHEMA, VERSION = "emtm-bench/peers", "1.0.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCode(Block):
    """The code that the suite's was compared with."""

    name: str
    title: str
    repository: str
    commit: str
    """Whose files those of the checkout equal."""
    files: Mapping[str, str]
    """SHA-256 of what of it is run."""
    checkout: str | Missing
    """Commit that the checkout itself says it is at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRow(Block):
    """One way of making the calls of a case. Intervals are of 99 %, over rounds of fresh processes."""

    name: str
    title: str
    ours: bool
    call_s: float | Missing
    """Geometric mean over rounds of the median of a round's calls."""
    call_ci99_s: tuple[float, float] | Missing
    round_s: tuple[float, ...]
    speedup: float | Missing
    """The peer's time, as it is shipped, over this row's: from pairs of calls within rounds."""
    speedup_ci99: tuple[float, float] | Missing
    round_log_ratios: tuple[float, ...]
    """Of each round, the median log ratio of this row's time to the peer's."""
    pairs: int
    """Calls that stood against one of the peer's."""
    parity: Mapping[str, float] | Missing
    """The worst that any of its processes was from the peer's answer, before it was timed."""
    reason: str | Missing = ABSENT
    """Why it was not timed, or not to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCase(Block):
    """One kind of call of one model at one size, on one thread."""

    case_id: str
    model: str
    dataset: str
    kind: str
    batch_size: int
    num_clips: int
    num_words: int
    num_chars: int
    resolution: float | Missing
    """How far from 1 the interval of the peer against itself reaches: what the machine did not tell apart."""
    noise: tuple[Noise, ...]
    """What the machine did while each round was timed."""
    rows: tuple[PeerRow, ...]

    @property
    def disturbed(self) -> int:
        """How many rounds were."""
        return sum(noise.verdict != "quiet" for noise in self.noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRun(Block):
    """A whole comparison."""

    schema: str = SCHEMA
    schema_version: str = VERSION
    created_utc: str
    version: str
    commit: str | Missing
    dirty: bool | Missing
    argv: tuple[str, ...]
    peer: PeerCode
    versions: Mapping[str, Mapping[str, str]]
    """Of what each row's process ran on; `products` is the route that torch's took."""
    seed: int
    """Of the order in which cases and rows take turns."""
    planned_rounds: int
    rounds: int
    elapsed_s: float
    env: Environment
    cases: tuple[PeerCase, ...]
