"""What every estimator is: parameters that a claim gives, and the parts that it finds in the evidence."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from bench.claims.estimate import Part
from bench.claims.evidence import Evidence
from emtm.config import check_fields


@dataclass(frozen=True, kw_only=True)
class Estimator(ABC):
    """Its fields are the parameters; ValueError for one that a field cannot take."""

    def __post_init__(self) -> None:
        check_fields(self)

    @abstractmethod
    def parts(self, evidence: Evidence) -> tuple[Part, ...]:
        """An estimate for each thing that must hold, or why there is none."""
