import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.quantity import byte_size, digits, interval, plural, points, si, superscript


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
def test_si(value, unit, text):
    assert si(value, unit) == text


def test_bytes_are_binary():
    assert byte_size(64 * 2**20) == "64.0 MiB"
    assert byte_size(0) == "0 B"


def test_an_interval_takes_the_unit_of_its_value():
    assert interval(0.0119, 0.0126, 0.0122) == "[11.9, 12.6]"


def test_small_words():
    assert points(12.34) == "+12.3"
    assert superscript(12) == "¹²"
    assert (plural(1, "thread"), plural(2, "thread")) == ("1 thread", "2 threads")


@given(st.floats(1e-9, 1e14))
def test_three_digits_are_within_half_a_percent(value):
    assert float(digits(value)) == pytest.approx(value, rel=0.0051)
