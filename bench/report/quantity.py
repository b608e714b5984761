"""Numbers as people read them: a unit, an SI prefix, and no more digits than mean something."""

from __future__ import annotations

import math
from typing import Literal

DASH = "—"
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_BINARY = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))
_COUNTED_FROM = 0.01
"""A ratio below this is written with an exponent."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def digits(value: float, significant: int = 3) -> str:
    """`value` with this many significant digits, trailing zeros kept, no exponent."""
    if value == 0:
        return "0"
    return f"{_rounded(value, significant):.{_decimals(value, significant)}f}"


def _rounded(value: float, significant: int) -> float:
    return float(f"{value:.{significant - 1}e}")


def _decimals(value: float, significant: int) -> int:
    magnitude = math.floor(math.log10(abs(_rounded(value, significant))))
    return max(0, significant - 1 - magnitude)


def ratio(value: float) -> str:
    """0.731 -> `0.73`; 1.2e-8 -> `1.2 × 10⁻⁸`."""
    return digits(value, 2) if value == 0 or value >= _COUNTED_FROM else scientific(value)


def scientific(value: float) -> str:
    """1.234e-8 -> `1.2 × 10⁻⁸`."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa} × 10{superscript(int(exponent))}"


def prefix(value: float) -> tuple[float, str]:
    """The SI factor and letter that put `value` between 1 and 1000."""
    size = abs(_rounded(value, 3))
    return next((pair for pair in _PREFIXES if size >= pair[0]), (1.0, ""))


def si(value: float, unit: str = "") -> str:
    """89500000 -> `89.5 M`; 0.0122 with unit s -> `12.2 ms`. A bare count below 1000 stays whole."""
    factor, letter = prefix(value)
    text = f"{value:.0f}" if not unit and float(value).is_integer() and abs(value) < 1e3 else digits(value / factor)
    return f"{text} {letter}{unit}".rstrip()


def byte_size(value: float) -> str:
    """64 * 2**20 -> `64.0 MiB`."""
    factor, unit = binary(value)
    return f"{digits(value / factor)} {unit}"


def binary(value: float) -> tuple[float, str]:
    """The binary factor and unit that put a number of bytes between 1 and 1024."""
    return next((pair for pair in _BINARY if abs(value) >= pair[0]), (1, "B"))


def points(value: float) -> str:
    """A difference of percentages, signed."""
    return f"{value:+.1f}"


def plus_minus(mean: float, half_width: float | None, sign: Literal["", "+"] = "") -> str:
    """`80.2 ± 3.3`, and with a sign `+3.1 ± 0.8`; without the interval where there is none."""
    return f"{mean:{sign}.1f}" + ("" if half_width is None else f" ± {half_width:.1f}")


def share(percent: float) -> str:
    """`66 %`."""
    return f"{percent:.0f} %"


def interval(low: float, high: float, scale_of: float) -> str:
    """`[low, high]` in the SI prefix and decimals of the value it belongs to."""
    factor, _ = prefix(scale_of)
    decimals = _decimals(scale_of / factor, 3)
    return f"[{low / factor:.{decimals}f}, {high / factor:.{decimals}f}]"


def plural(count: float, noun: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{count:.0f} {noun}" if count == 1 else f"{count:.0f} {noun}s"


def superscript(index: int) -> str:
    """A footnote mark."""
    return str(index).translate(_SUPERSCRIPTS)


def duration(seconds: float) -> str:
    """48.2 -> `48 s`; 754 -> `12.6 min`; 9000 -> `2.5 h`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
