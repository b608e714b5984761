"""Text made harmless: safe alphabets, nothing lost, and different texts stay different."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bench.missing import Kept, Missing
from bench.run import Gpu, Hardware
from bench.safe import (
    LONGEST,
    clean,
    cleaned,
    csv_cell,
    file_stem,
    file_stems,
    label,
    markdown,
    markdown_alt,
    markdown_cell,
    markdown_fence,
    markdown_paragraph,
    one_line,
)
from tests.hostile import HOSTILE

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


LINES = (st.sampled_from(HOSTILE) | ANY | st.text("[]()!<>&;#*_`~$|\\- :=+1.)ax\"'", max_size=12)).map(clean)


def parsed(text: str) -> list[Token]:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)


def plain(inline: Token) -> str:
    """The text of a token that holds nothing else."""
    assert {child.type for child in inline.children or []} <= {"text"}
    return "".join(child.content for child in inline.children or [])


@settings(max_examples=300)
@given(LINES)
def test_markdown_shows_a_text_as_it_is(text: str) -> None:
    if text := text.strip():
        before, inline, after = parsed(markdown_paragraph(text))
        assert (before.type, after.type) == ("paragraph_open", "paragraph_close")
        assert plain(inline) == text
        bullet = parsed(f"- {markdown_paragraph(text)}")
        assert [token.type for token in bullet].count("paragraph_open") == 1
        assert plain(bullet[3]) == text
        heading = parsed(f"## a {markdown(text)} z")
        assert [token.type for token in heading] == ["heading_open", "inline", "heading_close"]
        assert plain(heading[1]) == f"a {text} z"


@settings(max_examples=300)
@given(LINES)
def test_a_cell_of_a_table_shows_a_text_as_it_is(text: str) -> None:
    row = f"| {markdown_cell(text)} | z |"
    found = parsed(f"{row}\n| --- | --- |\n{row}")
    assert [plain(token) for token in found if token.type == "inline"] == [text.strip(), "z"] * 2


@settings(max_examples=300)
@given(LINES)
def test_a_picture_is_described_by_a_text_as_it_is(text: str) -> None:
    (_, inline, _) = parsed(f"![{markdown_alt(text)}](figures/x.svg)")
    (image,) = inline.children or []
    assert image.type == "image" and image.attrs["src"] == "figures/x.svg"
    assert "".join(child.content for child in image.children or []) == text


@given(st.lists(LINES, min_size=1))
def test_no_line_closes_the_fence(lines: list[str]) -> None:
    (fence,) = parsed(markdown_fence(lines))
    assert fence.content.splitlines() == lines


@given(ANY)
def test_clean_text_is_one_line_that_xml_and_terminals_take(text: str) -> None:
    line = clean(text)
    assert len(line) == len(text) and clean(line) == line
    assert not any(unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" for char in line)
    assert ET.fromstring(f"<a>{escape(line)}</a>").text == (line or None)


@given(ANY, ANY)
def test_stems_of_files_are_plain_and_differ(one: str, other: str) -> None:
    for stem in (file_stem(one), file_stem(f"pareto-{one}")):
        assert re.fullmatch(r"[a-z0-9][a-z0-9._+-]{0,99}", stem)
    assert (file_stem(one) == file_stem(other)) == (one == other)


def test_a_usual_stem_stays_and_no_other_text_has_it() -> None:
    assert file_stem("pareto-synth-charades") == "pareto-synth-charades"
    assert file_stem("Tacos").startswith("tacos-") and file_stem("../tacos").startswith("tacos-")
    assert file_stem(file_stem("../tacos")) != file_stem("../tacos")


@given(st.lists(st.sampled_from(["x", "x-1", "x-2", "x-2+", "y"]) | ANY, max_size=8))
def test_no_two_of_several_stems_are_alike(texts: list[str]) -> None:
    stems = file_stems(texts)
    assert len(set(stems)) == len(stems) == len(texts)


def test_equal_texts_are_numbered() -> None:
    assert file_stems(["x", "y", "x"]) == ["x-1", "y", "x-2"]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "＝1", "'=1"])
def test_a_formula_has_an_apostrophe_before_it(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


def test_a_record_is_cleaned_through_and_through() -> None:
    gpu = Gpu(name="a\x1b[31m\nb", kept=Kept(("name",), {"x\u202e": ["y\x00", 1, None]}))
    hardware = Hardware(cpu_model="c\x07", cores_physical=1, cores_logical=1, ram_bytes=2, gpus=(gpu,))
    found = cleaned(hardware)
    assert found.cpu_model == "c�" and found.gpus[0].name == "a�[31m b"
    assert found.gpus[0].kept == Kept(("name",), {"x�": ["y�", 1, None]})
    assert cleaned(Missing("why\n")) == Missing("why ")
