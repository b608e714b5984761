"""The comment of a pull request: short, verdict first, and deaf to what names say."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from bench.codec import decode, encode
from bench.compare.comparison import Comparison, compare
from bench.compare.markdown import markdown
from bench.compare.text import print_comparison
from bench.record import CaseRecord
from bench.run import Run
from bench.safe import clean, markdown_literal
from tests.hostile import HOSTILE as TEXTS
from tests.hostile import open_places, planted
from tests.verdict.runs import case, failed, run

HOSTILE = [
    "<script>alert(1)</script>",
    "</details></code><img src=x onerror=alert(1)>",
    "a|b|c\n| injected | row |",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "`` `code` `` **bold** _it_ ~~gone~~ # heading",
    "@everyone #1 GH-2 org/repo#3 https://evil.example www.evil.example mail@evil.example",
    "&lt;b&gt; &#60;b&#62; &amp;",
    "<!-- --> <details open> - [ ] task",
    "\x1b[31mred\x1b]0;title\x07",
    "left\u202eright\u200bzero",
    "$\\href{javascript:alert(1)}{x}$",
]


TAGS = {"<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>"}


def hostile(name: str) -> CaseRecord:
    made = case(name)
    return replace(made, model=replace(made.model, name=name), reason=name)


def comparison(name: str) -> Comparison:
    bad = hostile(name)
    broken = replace(failed(hostile(f"{name} broken")), reason=name)
    return compare(
        run(bad, hostile(f"{name} broken"), hostile(f"{name} gone")),
        run(replace(case(name, seconds=0.05), case_id=bad.case_id), broken, hostile(f"{name} new"), torch=name),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_a_name_means_anything(name: str) -> None:
    text = markdown(comparison(name))
    assert "\x1b" not in text and "\u202e" not in text
    # Between its tags a name is letters, digits and numbered characters; nothing else can be markup or a link.
    for inside in re.findall(r"<code>(.*?)</code>", text):
        assert re.fullmatch(r"(?:[A-Za-z0-9 ,-]|&#\d+;)*", inside), inside
    outside = re.sub(r"<code>.*?</code>", "", text)
    assert set(re.findall(r"<[^>]*>", outside)) == {"<br>", "<details>", "<summary>", "</summary>", "</details>"}
    assert outside.count("<details>") == outside.count("</details>") == 1
    for word in ("evil", "script", "everyone", "alert", "href", "injected", "onerror"):
        assert word not in outside
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {7}


def test_no_text_of_a_run_file_becomes_markup() -> None:
    """A text in every place of the run that is judged, the next one in the next."""
    doc = encode(run(case("a"), failed(case("b")), case("c", dataset="tacos", params=9)))
    places = open_places(doc, lambda found: decode(Run, found))
    assert len(places) > 40
    for first in range(0, len(TEXTS), 6):
        texts = {place: f"{TEXTS[(first + i) % len(TEXTS)]}{i}" for i, place in enumerate(places)}
        text = markdown(compare(decode(Run, doc), decode(Run, planted(doc, texts))))
        queue = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
        for token in queue:
            queue += token.children or []
            assert not token.type.startswith(("link", "image", "code", "fence", "em", "s_", "heading")), token
            if token.type.startswith("html"):
                assert set(re.findall("<[^>]*>", token.content)) <= TAGS


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_shown_is_the_name(name: str) -> None:
    shown = html.unescape(re.sub(r"</?code>", "", markdown_literal(name)))
    assert shown == clean(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_terminal_obeys_no_name(name: str) -> None:
    console = Console(record=True, width=100, force_terminal=True, color_system=None)
    print_comparison(console, comparison(name))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", console.export_text(styles=True))
    assert not set(shown) & {"\x1b", "\x07", "\u202e", "\u200b"}


def test_the_verdict_comes_first_and_ten_lines_are_not_folded() -> None:
    many = [case(f"m{i}") for i in range(30)]
    slow = [case(f"m{i}", seconds=0.03) for i in range(30)]
    text = markdown(compare(run(*many), run(*slow)))
    visible = text.partition("<details>")[0].splitlines()
    assert visible[0] == "**SLOWER**: 30 timings slower; the same: 30 cases, 600 exact figures"
    assert len(visible) <= 10
    assert sum(line.startswith("- **slower** ") for line in visible) == 3
    assert "- and 27 more, below" in visible
    assert text.count("| slower |") == 30


def test_the_heaviest_findings_stand_above_the_fold() -> None:
    base = [case(f"m{i}", params=10) for i in range(9)]
    head = [*[case(f"m{i}", params=9) for i in range(8)], case("m8", params=11)]
    visible = markdown(compare(run(*base), run(*head))).partition("<details>")[0]
    assert "**worse** <code>parameters</code> <code>m8&#124;" in visible


def test_nothing_to_say_is_four_lines() -> None:
    text = markdown(compare(run(case("a")), run(case("a"))))
    visible = text.partition("<details>")[0].strip().splitlines()
    assert visible[0] == "**SAME**: 1 case, 20 exact figures, 1 timing"
    assert len(visible) == 3


def test_a_comment_never_outgrows_what_may_be_posted() -> None:
    many = [hostile(f"{'<|>' * 300}{i}") for i in range(400)]
    text = markdown(compare(run(*many), run(case("other"))))
    assert len(text) < 65_536
    assert text.rstrip().endswith("</details>")
    assert "more stand in the JSON of the comparison" in text
