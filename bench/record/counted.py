"""What is counted, the same on every machine: parameters, arithmetic, dispatched operators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.missing import ABSENT, Block, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Params(Block):
    """Element counts, each shared tensor once; `total` = `trainable` + `frozen`."""

    total: int
    trainable: int
    frozen: int
    """Parameters without gradients, and embedding tables kept as buffers."""
    embedding: int
    """Word and character tables, trainable or frozen; position tables are not among them."""
    buffers: int
    """Buffers that are not embedding tables."""
    bytes: int
    """Of all parameters and buffers."""
    unreachable: int | Missing
    """Trainable, but without influence on the prediction; missing where the prediction carries no gradient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCost(Block):
    """Arithmetic of one stage."""

    macs: int
    flops_other: int | Missing = ABSENT
    """FLOPs outside multiply-adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UncountedOp(Block):
    """An operator no rule gives a cost for."""

    op: str
    calls: int
    elements: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Block):
    """How much of what ran has a known cost; moving data costs no FLOPs and is left out."""

    ops_total: int
    calls_total: int | Missing = ABSENT
    calls_costed: int | Missing = ABSENT
    covered_pct: float
    ops_uncounted: tuple[UncountedOp, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosscheck(Block):
    """fvcore's answer beside the exact one."""

    fvcore_macs: int | Missing
    """The total as fvcore prints it, norms included."""
    fvcore_norm_flops: int | Missing = ABSENT
    fvcore_unsupported: Mapping[str, int] | Missing = ABSENT
    """Calls by operator."""
    agrees: bool
    """fvcore's products equal the exact count."""
    explained_by: tuple[str, ...]
    """Operators fvcore gives nothing for, dearest first."""
    explained_macs: Mapping[str, int] | Missing = ABSENT
    unexplained_macs: int | Missing = ABSENT
    """Exact count minus fvcore's products minus `explained_macs`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute(Block):
    """Arithmetic of one call; `flops` counts multiply-adds alone, the rest stands beside it."""

    macs: int
    flops: int
    flops_norm: int | Missing = ABSENT
    flops_elementwise: int | Missing = ABSENT
    convention: str
    counter: str | Missing = ABSENT
    by_stage: Mapping[str, StageCost]
    query_independent_macs: int | Missing = ABSENT
    """Of the video's encoding: what a cache of encoded videos saves a query. 0 where there are no such stages."""
    coverage: Coverage
    crosscheck: Crosscheck | Missing = ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch(Block):
    """Operators that one call hands to torch's dispatcher."""

    operators: int
    views: int
    """Of them, those that move no data."""
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCompute(Block):
    """Arithmetic of one training step of a whole batch."""

    forward_macs: int
    """The loss included, and branches that inference leaves out."""
    backward_macs: int
    forward_flops_other: int
    """FLOPs outside multiply-adds."""
    backward_flops_other: int
    update_flops: int
    """Clipping and the optimiser, all FLOPs."""
    convention: str
    coverage: Coverage
