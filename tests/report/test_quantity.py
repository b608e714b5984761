import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.quantity import (
    byte_size,
    digits,
    duration,
    interval,
    plural,
    plus_minus,
    points,
    ratio,
    si,
    superscript,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (89_500_000, "", "89.5 M"),
        (5_087_000_000, "", "5.09 G"),
        (0.0122, "s", "12.2 ms"),
        (0.000174, "s", "174 µs"),
        (1.7, "s", "1.70 s"),
        (999.96, "/s", "1.00 k/s"),
        (16, "", "16"),
        (0, "", "0"),
    ],
)
def test_si(value: float, unit: str, text: str) -> None:
    assert si(value, unit) == text


def test_bytes_are_binary() -> None:
    assert byte_size(64 * 2**20) == "64.0 MiB"
    assert byte_size(0) == "0 B"


def test_an_interval_takes_the_unit_of_its_value() -> None:
    assert interval(0.0119, 0.0126, 0.0122) == "[11.9, 12.6]"


def test_small_words() -> None:
    assert points(12.34) == "+12.3"
    assert (plus_minus(80.24, 3.31), plus_minus(3.1, 0.8, "+"), plus_minus(-1, None, "+")) == (
        *("80.2 ± 3.3", "+3.1 ± 0.8", "-1.0"),
    )
    assert [duration(s) for s in (48.2, 754, 9000)] == ["48 s", "12.6 min", "2.5 h"]
    assert [ratio(r) for r in (0, 0.734, 12.3, 0.00123)] == ["0", "0.73", "12", "1.2 × 10⁻³"]
    assert superscript(12) == "¹²"
    assert (plural(1, "thread"), plural(2, "thread")) == ("1 thread", "2 threads")


@given(st.floats(1e-9, 1e14))
def test_three_digits_are_within_half_a_percent(value: float) -> None:
    assert float(digits(value)) == pytest.approx(value, rel=0.0051)
