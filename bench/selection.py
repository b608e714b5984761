"""Which cases are meant: `-k` expressions over case ids, as pytest's own.

A word matches a case whose id holds it; words combine with `and`, `or`, `not` and parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from emtm.errors import UserError

Predicate = Callable[[str], bool]

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")


def matcher(expression: str) -> Predicate:
    """A function that says whether a case id matches; everything matches an empty expression.

    Raises UserError for an expression that does not parse.

    >>> matcher("charades and not (seqpan or vslnet)")("emtm|charades-sta|single_stream")
    True
    """
    tokens = _TOKEN.findall(expression)
    if not tokens:
        return lambda _: True
    parser = _Parser(tokens, expression)
    found = parser.either()
    if parser.tokens:
        raise parser.offence(parser.tokens[0])
    return found


class _Parser:
    def __init__(self, tokens: list[str], expression: str) -> None:
        self.tokens = tokens
        self._expression = expression

    def either(self) -> Predicate:
        left = self._both()
        while self._take("or"):
            left = _or(left, self._both())
        return left

    def offence(self, token: str) -> UserError:
        return UserError(f"-k '{self._expression}' does not parse at {token}: words, and, or, not, parentheses")

    def _both(self) -> Predicate:
        left = self._single()
        while self._take("and"):
            left = _and(left, self._single())
        return left

    def _single(self) -> Predicate:
        if self._take("not"):
            negated = self._single()
            return lambda case_id: not negated(case_id)
        if self._take("("):
            inner = self.either()
            if not self._take(")"):
                raise self.offence("its end")
            return inner
        if not self.tokens or self.tokens[0] in ("and", "or", ")"):
            raise self.offence(self.tokens[0] if self.tokens else "its end")
        word = self.tokens.pop(0).lower()
        return lambda case_id: word in case_id.lower()

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False


def _or(a: Predicate, b: Predicate) -> Predicate:
    return lambda case_id: a(case_id) or b(case_id)


def _and(a: Predicate, b: Predicate) -> Predicate:
    return lambda case_id: a(case_id) and b(case_id)
