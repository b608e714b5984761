"""Names of models in tables and figures: as short as tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.missing import known
from bench.record import CaseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What two measurements of one model may differ in, the most telling first."""

    name: str
    """The model's."""
    tag: str = ""
    """Of the training."""
    device: str
    dtype: str
    backend: str
    threads: int | None
    batch_size: int
    num_clips: int | None = None
    config_hash: str | None

    def traits(self) -> tuple[str, ...]:
        """All but the model's name, in words; empty where there is nothing to say."""
        return (
            self.tag,
            self.device,
            self.dtype,
            self.backend,
            f"{self.threads} threads" if self.threads else "",
            f"{self.batch_size} batch",
            f"{self.num_clips} clips" if self.num_clips else "",
            self.config_hash or "",
        )


def identity(case: CaseRecord, tag: str = "") -> Identity:
    """Of one case, trained in the way that `tag` says."""
    return Identity(
        name=case.model.name,
        tag=tag,
        device=case.execution.device,
        dtype=case.execution.dtype,
        backend=case.execution.backend,
        threads=known(case.execution.threads),
        batch_size=case.workload.batch_size,
        num_clips=known(case.workload.num_clips),
        config_hash=known(case.model.config_hash),
    )


def labels(identities: Sequence[Identity]) -> list[str]:
    """For each the model's name, with what sets it apart where the name alone is ambiguous."""
    return [_label(one, [other.traits() for other in identities if other.name == one.name]) for one in identities]


def _label(one: Identity, same: list[tuple[str, ...]]) -> str:
    differing = [len(set(values)) > 1 for values in zip(*same, strict=True)]
    extra = [trait for trait, differs in zip(one.traits(), differing, strict=True) if differs and trait]
    return f"{one.name} ({', '.join(extra)})" if extra else one.name
