"""Labels and lines: safe alphabets, and different texts stay different."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.export.text import LONGEST, label, one_line

ANY = st.text(st.characters())
"""Lone surrogates included: JSON can hold them."""


def test_a_usual_case_id_keeps_its_letters() -> None:
    assert label("emtm-student|charades-sta|single_stream|cpu|fp32|t1") == (
        "emtm-student/charades-sta/single_stream/cpu/fp32/t1"
    )


@given(ANY)
def test_a_label_is_plain_and_short(text: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.~%/-]*", label(text))
    assert len(label(text * 100)) <= LONGEST


@given(ANY, ANY)
def test_different_texts_have_different_labels_and_lines(one: str, other: str) -> None:
    assert (label(one) == label(other)) == (one == other)
    assert (one_line(one) == one_line(other)) == (one == other)


@pytest.mark.parametrize(("one", "other"), [("a|b", "a/b"), ("a|b", "a%7Cb"), ("a\n", "a\\n"), ("x" * 999, "x" * 998)])
def test_texts_that_look_alike_stay_apart(one: str, other: str) -> None:
    assert label(one) != label(other)
    assert one_line(one) != one_line(other)


@given(ANY)
def test_a_line_is_one_line_that_can_be_written(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    assert line.isprintable()
    line.encode()


def test_marks_that_turn_text_around_are_shown() -> None:
    assert one_line("a\u202eb\x00\ud800\\") == "a\\u202eb\\x00\\ud800\\\\"
    assert one_line("größer – 模型") == "größer – 模型"
