"""A claim: a sentence, the number that it is about, and the bound that the number must keep."""

from __future__ import annotations

from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from bench.claims.estimate import Estimate
from bench.claims.estimators import ESTIMATORS
from bench.claims.estimators.estimator import Estimator
from emtm.config import check_fields
from emtm.errors import UserError, unknown


class _PlainLoader(yaml.SafeLoader):
    """Without aliases: a few lines of them stand for gigabytes, or for a list within itself."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; raises yaml.YAMLError where it is another one once more."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has aliases (*name), which claims do not take")
        return super().compose_node(parent, index)


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Above a number, or below one: never both."""

    above: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise ValueError("holds says either above or below")
        value = self.limit
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise ValueError(f"holds takes a number, not {value!r}")

    @property
    def limit(self) -> float:
        """The number."""
        found = self.below if self.above is None else self.above
        assert found is not None
        return found

    def kept(self, estimate: Estimate) -> bool | None:
        """Does the whole interval keep the bound, or break it? None where it lies on both sides."""
        inside, outside = estimate.low > self.limit, estimate.high <= self.limit
        if self.above is None:
            inside, outside = estimate.high < self.limit, estimate.low >= self.limit
        return True if inside else False if outside else None

    def margin(self, estimate: Estimate) -> float:
        """How far the end of the interval that is nearest to breaking the bound is from it; negative beyond it."""
        return estimate.low - self.limit if self.above is not None else self.limit - estimate.high

    def __str__(self) -> str:
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What somebody says, and how it is judged."""

    id: str
    text: str
    source: str
    """Who says so, and where."""
    protocol: str
    """What was measured how, for a reader who would object."""
    needs: str
    """The evidence that a verdict takes."""
    kept: bool = False
    """Must not be refuted: a command that finds it so exits with 8."""
    holds: Bound | None = None
    measure: Estimator | None = None
    """None for a claim that nothing here can measure."""

    def __post_init__(self) -> None:
        check_fields(self)
        if (self.holds is None) != (self.measure is None):
            raise ValueError("measure and holds come together, or neither does")


def packaged_claims() -> tuple[Claim, ...]:
    """Those of this suite."""
    return read_claims((files("bench") / "claims.yaml").read_text("utf-8"), "claims.yaml")


def load_claims(path: Path) -> tuple[Claim, ...]:
    """A user's own; raises UserError when the file cannot be read, or breaks the rules."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not text'}") from None
    return read_claims(text, path.as_posix())


def read_claims(text: str, name: str) -> tuple[Claim, ...]:
    """The claims in a YAML text; raises UserError, naming the claim in the file `name`, where one breaks the rules."""
    try:
        docs = yaml.load(text, _PlainLoader)
    except (yaml.YAMLError, ValueError) as error:  # a date that there is not is a ValueError
        raise UserError(f"{name} is not YAML: {str(error).partition(chr(10))[0]}") from None
    except RecursionError:
        raise UserError(f"{name} is nested too deeply") from None
    if not isinstance(docs, list) or not docs:
        raise UserError(f"{name} is not a list of claims")
    return tuple(_claim(doc, f"{name}, claim {_called(doc, i)}") for i, doc in enumerate(docs, 1))


def unique(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims; raises UserError where two have one id."""
    ids = [claim.id for claim in claims]
    twice = next((name for name in ids if ids.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"there are two claims '{twice}'")
    return claims


def _called(doc: object, index: int) -> object:
    return doc.get("id", index) if isinstance(doc, dict) else index


def _claim(doc: object, where: str) -> Claim:
    try:
        values = _mapping(doc, Claim)
        if values.get("holds") is not None:
            values["holds"] = Bound(**_mapping(values["holds"], Bound))
        if values.get("measure") is not None:
            values["measure"] = _estimator(values["measure"])
        return Claim(**values)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: {' '.join(str(error).split())}") from None


def _estimator(doc: object) -> Estimator:
    if not isinstance(doc, dict) or "estimator" not in doc:
        raise ValueError("measure names an estimator")
    name = doc["estimator"]
    if name not in ESTIMATORS:
        raise ValueError(unknown("estimator", str(name), [*ESTIMATORS]))
    kind = ESTIMATORS[name]
    values = _mapping({key: value for key, value in doc.items() if key != "estimator"}, kind)
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _mapping(doc: object, kind: type[Claim] | type[Bound] | type[Estimator]) -> dict[str, Any]:
    """A mapping without a field that the record does not know; what it lacks, the record itself misses."""
    if not isinstance(doc, dict):
        raise ValueError("it is no mapping")
    known = [field.name for field in fields(kind)]
    if stray := next((str(key) for key in doc if key not in known), None):
        raise ValueError(unknown("field", stray, known))
    return dict(doc)
