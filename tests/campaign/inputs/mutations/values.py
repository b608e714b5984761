"""Values that nobody expects in a document, and how they are written where JSON's own writer would not."""

from __future__ import annotations

import json
import math
from typing import Any

from tests.hostile import HOSTILE

DEEP, EXPONENT, DIGITS = "@deep@", "@exponent@", "@digits@"
_LITERALS = {
    f'"{DEEP}"': "[" * 100_000 + "]" * 100_000,
    f'"{EXPONENT}"': "1e400",
    f'"{DIGITS}"': "9" * 6000,
}
"""What stands for a text that is no value of Python's."""

NUMBERS: tuple[float, ...] = (
    *(0, -1, 1, 2, 7, 10**6, -(10**6), 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30, -(10**30)),
    *(0.5, -0.0, -0.5, 1e-300, 1e300, -1e300, 1e308, math.nan, math.inf, -math.inf),
)
TEXTS: tuple[str, ...] = (
    *("", " ", "x", "0", "1", "-1", "nan", "None", "null", "true", "1e400", "a" * 10_000, "é", "\u0000", "\ud800"),
    *("2026-11-28", "2026-99-99T99:99:99Z", "sha256:0", "/", "..", "../../x", "/etc/passwd", "\n", "a\tb", *HOSTILE),
)
OTHERS: tuple[Any, ...] = (
    *(None, True, False, [], {}, [[]], [{}], {"": None}, [None], [0], ["x"], [[0, 1]], [[1, 0, 5]], {"x": 1}),
    *([math.nan], [1, 2, 3, 4, 5, 6, 7], ["x"] * 300, {str(i): i for i in range(300)}, DEEP, EXPONENT, DIGITS),
)
VALUES: tuple[Any, ...] = (*NUMBERS, *TEXTS, *OTHERS)


def dumped(value: Any, indent: int | None = None) -> bytes:
    """As JSON, with the texts that stand for others replaced; lone surrogates are escaped."""
    text = json.dumps(value, indent=indent)
    for stand_in, literal in _LITERALS.items():
        text = text.replace(stand_in, literal)
    return text.encode()
