"""A ledger of every operator that ran: what was costed, by which rule, and what was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch._C import DispatchKey
from torch.utils._pytree import tree_leaves

from bench.instruments.formulas import LAID_OUT, NESTED_PRODUCTS, formula_of
from bench.instruments.observer import Observer, Operator
from bench.instruments.pricing import Bucket, Price, elements_of, identity, price
from bench.record import Coverage, UncountedOp
from bench.stages import OTHER


@dataclass(slots=True)
class OpRow:
    """All calls of one operator in one stage and under one origin."""

    op: str
    stage: str
    origin: str
    """The operator that this one is a part of, as a tracer would name it; `other` where it is none's."""
    bucket: Bucket
    calls: int = 0
    elements: int = 0
    """Output elements."""
    macs: int = 0
    flops: int = 0
    """FLOPs outside multiply-adds."""
    method: str = ""
    """The outermost stage: which of the contract's methods it ran in."""

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Calls, output elements, multiply-adds and other FLOPs."""
        return self.calls, self.elements, self.macs, self.flops


class TooManyCallsError(Exception):
    """More operators ran than the ledger was to book."""


class OpLedger(Observer):
    """Dispatch mode that books each operator under the current method, stage and origin.

    Raises TooManyCallsError in the call that would be one more than `most_calls`.
    """

    def __init__(
        self,
        stage: Callable[[], str],
        origin: Callable[[], str],
        method: Callable[[], str] = str,
        most_calls: int | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stage = stage
        self._origin = origin
        self._method = method
        self._calls_left = most_calls
        self._rows: dict[tuple[str, str, str, str, Bucket], OpRow] = {}
        self._whole: list[str] = []
        """Operators that are being taken apart, outermost first."""
        self._branches: list[OpLedger] = []
        self._booked = 0

    @property
    def rows(self) -> list[OpRow]:
        """What has been booked, in order of first appearance; what other threads did comes last."""
        return [*self._rows.values(), *(row for branch in self._branches for row in branch.rows)]

    def branch(self) -> OpLedger:
        """A ledger for another thread, whose rows are among these."""
        self._branches.append(OpLedger(self._stage, self._origin, self._method, self._calls_left))
        return self._branches[-1]

    def observe(self, func: Operator, args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        """Takes apart what is made of other operators, and books the rest."""
        name, packet = identity(func).name, func._overloadpacket
        result: object = NotImplemented
        booked = self._booked
        if packet not in LAID_OUT | NESTED_PRODUCTS and (key := _nested_kernel(func, args, kwargs)) is not None:
            # It calls operators on the tensors within.
            with self._within(name), self:
                result = func._op_dk(key, *args, **kwargs)
            if self._booked == booked:
                self.book(name, price(func, args, kwargs, result))
        elif formula_of(packet) is None and identity(func).namespace != "prim" and not _multiplies_nested(packet, args):
            with self._within(name), self:
                result = func.decompose(*args, **kwargs)
        if result is NotImplemented:
            result = func(*args, **kwargs)
            self.book(name, price(func, args, kwargs, result))
        return result

    def overlook(self, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        """Books what was compiled, and cannot be seen from inside."""
        self.book(f"higher_order::{name}", Price("uncounted", elements_of((args, kwargs))))

    def left(self, how: str, tensor: Tensor) -> None:
        """Books that values were taken out of torch: what becomes of them there is no operator."""
        self.book(how, Price("uncounted", elements_of(tensor)))

    @contextmanager
    def _within(self, name: str) -> Iterator[None]:
        self._whole.append(name)
        try:
            yield
        finally:
            self._whole.pop()

    def book(self, name: str, cost: Price) -> None:
        """Adds one call."""
        self._add(OpRow(name, "", "", cost.bucket, 1, cost.elements, cost.macs, cost.flops))

    def alike(self) -> OpLedger:
        """An empty ledger of the same method, stage and origin."""
        return OpLedger(self._stage, self._origin, self._method)

    def extend(self, short: list[OpRow], longer: list[OpRow], times: int) -> None:
        """Adds the rows of `short`, and `times` what those of `longer` have more."""
        before = {(row.op, row.bucket): row for row in short}
        for row in longer:
            first = before.get((row.op, row.bucket), OpRow(row.op, "", "", row.bucket))
            calls, elements, macs, flops = (a + times * (b - a) for a, b in zip(first.counts, row.counts, strict=True))
            self._add(OpRow(row.op, "", "", row.bucket, calls, elements, macs, flops))

    def _add(self, found: OpRow) -> None:
        if self._calls_left is not None:
            if self._calls_left < found.calls:
                raise TooManyCallsError
            self._calls_left -= found.calls
        self._booked += found.calls
        origin = self._origin()
        if origin == OTHER and self._whole:
            origin = self._whole[0]
        method, stage = self._method(), self._stage()
        row = self._rows.setdefault(
            (method, stage, origin, found.op, found.bucket), OpRow(found.op, stage, origin, found.bucket, method=method)
        )
        row.calls += found.calls
        row.elements += found.elements
        row.macs += found.macs
        row.flops += found.flops


def _multiplies_nested(packet: object, args: tuple[object, ...]) -> bool:
    return packet in NESTED_PRODUCTS and any(isinstance(leaf, Tensor) and leaf.is_nested for leaf in args)


def _hold_lists(args: tuple[object, ...]) -> bool:
    return any(isinstance(argument, list | tuple | dict) for argument in args)


def _nested_kernel(func: Operator, args: tuple[object, ...], kwargs: Mapping[str, object]) -> DispatchKey | None:
    """Where an operator has its kernel for nested tensors, if there is one among the arguments."""
    for leaf in tree_leaves((args, kwargs)) if kwargs or _hold_lists(args) else args:
        if isinstance(leaf, Tensor) and leaf.is_nested:
            name = f"NestedTensor{leaf.device.type.upper()}"
            if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), name):  # type: ignore[no-untyped-call]
                return getattr(DispatchKey, name, None)
    return None


def coverage(rows: list[OpRow]) -> Coverage:
    """Share of operator calls that have a cost, and the operators that have none."""
    working = [row for row in rows if row.bucket != "movement"]
    missing: dict[str, list[OpRow]] = {}
    for row in working:
        if row.bucket == "uncounted":
            missing.setdefault(row.op, []).append(row)
    total = sum(row.calls for row in working)
    uncounted = tuple(
        UncountedOp(op=op, calls=sum(r.calls for r in group), elements=sum(r.elements for r in group))
        for op, group in sorted(missing.items())
    )
    costed = total - sum(op.calls for op in uncounted)
    return Coverage(
        ops_total=len({row.op for row in rows}),
        calls_total=total,
        calls_costed=costed,
        covered_pct=100 * costed / total if total else 100.0,
        ops_uncounted=uncounted,
    )
