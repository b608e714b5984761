"""Whatever texts a run file or a study holds, what is made of them is text: read back by parsers of each format."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench.cli.app import main
from bench.cli.report import read_either
from bench.report.content.study import read_study
from bench.report.document import build
from bench.report.figures import style
from bench.report.formats.assets import SCRIPTS, STYLES, asset
from bench.report.formats.folder import report_files
from tests.export.conftest import FAILED, PLAIN, TRAINING
from tests.hostile import HOSTILE, TEXTS, Place, open_places, planted, renamed, sound, strings
from tests.parsed import check_csv, tokens
from tests.report.conftest import EXAMPLE, Doc
from tests.report.few import summary as few_summary
from tests.report.studies import example_summary

MAPS = frozenset(
    {"by_stage", "floors", "by_kind", "packages", "fvcore_unsupported", "explained_macs", "soft_gradient_ratio"}
)
"""Mappings whose keys are names that a file may choose."""
SMOKE = tuple(f"{model}|smoke|single_stream|cpu|fp32|eager|t1|b1|l32|s0" for model in ("emtm-student", "seqpan"))
KEPT = (PLAIN, FAILED, TRAINING, *SMOKE)

Files = dict[str, bytes]


def _run() -> Doc:
    doc = json.loads(EXAMPLE.read_text("utf-8"))
    return doc | {"cases": [case for case in doc["cases"] if case["case_id"] in KEPT]}


RUN, STUDY = _run(), example_summary()
RUN_PLACES = open_places(RUN, sound)
IDS = [place for place in RUN_PLACES if place[-1] == "case_id"]
ALONE: Place = ("rows", 2, "name")


def rendered(run: Doc | None, study: Doc | None, folder: Path) -> Files:
    """All files of the report."""
    found = []
    if study is not None:
        path = folder / "summary.json"
        path.write_text(json.dumps(study), "utf-8")
        found.append(read_either(path))
    with warnings.catch_warnings():
        # The font has not every character, and not every name fits a figure.
        warnings.simplefilter("ignore", UserWarning)
        runs, names = ([], []) if run is None else ([sound(run)], ["run.json"])
        report = build(runs, names, found)
        return report_files(report)


class Elements(HTMLParser):
    """Elements with their attributes, and what stands in scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.kinds: set[tuple[str, str]] = set()
        self.addresses: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.policy = ""
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.kinds |= {(tag, ""), *((tag, name) for name, _ in attrs)}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href", "action")]
        if tag in self.texts:
            self.texts[tag].append("")
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.texts:
            self.texts[self._open][-1] += data


def svg_kinds(text: str) -> set[tuple[str, str]]:
    return {(element.tag, name) for element in ET.fromstring(text).iter() for name in ("", *element.attrib)}  # type: ignore[misc]


@pytest.fixture(autouse=True, scope="module")
def no_pixels() -> Iterator[None]:
    """Pictures of pixels hold no text, and take half of the time."""
    draw = style._bytes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            style, "_bytes", lambda figure, kind, *a, **k: b"" if kind != "svg" else draw(figure, kind, *a, **k)
        )
        yield


@pytest.fixture(scope="module")
def allowed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the report of harmless files is made of."""
    found = rendered(RUN, STUDY, tmp_path_factory.mktemp("harmless"))
    page, drawings = Elements(found["report.html"].decode()), [n for n in found if n.endswith(".svg")]
    return {
        "html": page.kinds | {("td", "data-sort"), ("ol", ""), ("ol", "class"), ("li", "")},
        "svg": set().union(*(svg_kinds(found[name].decode()) for name in drawings)),
        "markdown": {token.type for token in tokens(found["report.md"].decode())},
        "figures": len(drawings),
    }


def check(found: Files, allowed: dict[str, Any]) -> None:
    for name, content in found.items():
        assert re.fullmatch(r"(figures/|tables/)?[a-z0-9][a-z0-9._+-]{0,99}", name)
        text = "" if name.endswith((".png", ".pdf")) else content.decode()
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\u2028\u2029\u202a-\u202e]", text)
        if name.endswith(".svg"):
            assert svg_kinds(text) <= allowed["svg"]
            links = [value for e in ET.fromstring(text).iter() for key, value in e.attrib.items() if "href" in key]
            assert all(link.startswith("#") for link in links)
        if name.endswith(".csv"):
            check_csv(text)
        if name.endswith(".tex"):
            check_latex(text)
        if name.endswith(".md"):
            check_markdown(text, found, allowed)
    check_page(found["report.html"].decode(), allowed)


def check_page(text: str, allowed: dict[str, Any]) -> None:
    page = Elements(text)
    assert page.kinds <= allowed["html"]
    assert all(re.fullmatch(r"#[a-z0-9._+-]+", address, re.IGNORECASE) for address in page.addresses)
    assets = [asset(*SCRIPTS), asset(*STYLES)]
    assert [page.texts["script"], page.texts["style"]] == [[asset] for asset in assets]
    script, style = (base64.b64encode(hashlib.sha256(asset.encode()).digest()).decode() for asset in assets)
    assert set(page.policy.split("; ")) == {
        *("default-src 'none'", "base-uri 'none'", "form-action 'none'"),
        *(f"script-src 'sha256-{script}'", f"style-src 'sha256-{style}'"),
    }


def check_markdown(text: str, found: Files, allowed: dict[str, Any]) -> None:
    for token in tokens(text):
        assert token.type in allowed["markdown"], (token.type, token.content)
        if token.type == "image":
            assert token.attrs["src"] in found
        if token.type == "inline":
            assert not re.match(r"\[[ xX]\]\s", token.content)  # a box to tick


LATEX_COMMANDS = frozenset(
    {
        *("begin", "end", "caption", "centering", "toprule", "midrule", "bottomrule", "par", "footnotesize"),
        *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "ldots"),
        *("times", "pm", "mu", "geq", "leq", "to", "\\", *"&%$#_{}"),
    }
)
MATHS = re.compile(r"\$(\\(times|pm|mu|geq|leq|to)|-|\^\{-?\d+\})\$")


def check_latex(text: str) -> None:
    """Commands and maths of ours alone, groups closed, as many cells in each row as columns."""
    assert {found[1] for found in re.finditer(r"\\([A-Za-z]+|.)", text)} <= LATEX_COMMANDS
    begins = re.findall(r"(?<!\\)\\(?:begin|end)\{(\w+)\}", text)
    assert begins == ["table", "tabular", "tabular", "table"]
    bare = re.sub(r"\\[^A-Za-z]", "", MATHS.sub("", text))
    assert not re.search(r"[$%#^_]", bare)
    depth = 0
    for char in bare:
        depth += (char == "{") - (char == "}")
        assert depth >= 0
    assert depth == 0
    columns = re.search(r"begin\{tabular\}\{([lr]+)\}", text)
    assert columns is not None
    body = text.partition("\\toprule\n")[2].partition("\\bottomrule\n")[0]
    for line in body.replace("\\midrule\n", "").splitlines():
        assert line.endswith(r" \\") and len(re.findall(r"(?<!\\)&", line)) == len(columns[1]) - 1


def whole(doc: Doc, places: list[Place], texts: Sequence[str]) -> Doc:
    """A text in every place, the next one in the next; cases and rows keep names of their own."""
    names = [place for place in places if place[-1] == "case_id" or (place[0] == "rows" and place[-1] == "name")]
    turn = {place: texts[i % len(texts)] for i, place in enumerate(places)}
    own = {place: f"{turn[place]}{i}" for i, place in enumerate(names)}
    return renamed(planted(doc, turn | own), MAPS, texts[0])


def whole_study(places: list[Place], texts: Sequence[str]) -> Doc:
    """The same of the study, whose reference keeps its name: without it there is no gain to draw."""
    return whole(STUDY, [place for place in places if place != ALONE], texts)


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 12))
def test_a_text_in_every_place_of_a_study_of_few_annotations(
    first: int, allowed: dict[str, Any], scratch: Path
) -> None:
    few, texts = few_summary(), [*HOSTILE[first:], *HOSTILE[:first]]
    places = [place for place in strings(few) if place[-1] in ("dataset", "split", "name", "what", "variant")]
    named = {place: f"{texts[i % len(texts)]}{i}" for i, place in enumerate(places)}
    found = rendered(None, renamed(planted(few, named), frozenset({"teacher_s", "student_s"}), texts[0]), scratch)
    assert any(name.endswith("few-labels.svg") for name in found)
    check(found, allowed)


@pytest.mark.parametrize("first", range(0, len(HOSTILE), 12))
def test_a_text_in_every_place(first: int, study_places: list[Place], allowed: dict[str, Any], scratch: Path) -> None:
    texts = [*HOSTILE[first:], *HOSTILE[:first]]
    found = rendered(whole(RUN, RUN_PLACES, texts), whole_study(study_places, texts), scratch)
    assert sum(name.endswith(".svg") for name in found) >= allowed["figures"]
    check(found, allowed)


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_one_text_in_all_places(text: str, study_places: list[Place], allowed: dict[str, Any], scratch: Path) -> None:
    check(rendered(whole(RUN, RUN_PLACES, [text]), whole_study(study_places, [text]), scratch), allowed)


@pytest.fixture(scope="module")
def study_places(scratch: Path) -> list[Place]:
    return open_places(STUDY, lambda doc: rendered_study(doc, scratch))


def rendered_study(doc: Doc, folder: Path) -> object:
    path = folder / "tried.json"
    path.write_text(json.dumps(doc), "utf-8")
    return read_study(path)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(plan=st.dictionaries(st.sampled_from(RUN_PLACES), TEXTS, min_size=1, max_size=40), key=TEXTS)
def test_no_text_of_a_run_becomes_more(
    plan: dict[Place, str], key: str, allowed: dict[str, Any], scratch: Path
) -> None:
    texts = [text for place, text in plan.items() if place in IDS]
    assume(all(texts) and len({text.strip().casefold() for text in texts}) == len(texts))
    # A null without a reason is refused by every reader.
    assume(all(text for place, text in plan.items() if "reason" in str(place[-1])))
    check(rendered(renamed(planted(RUN, plan), MAPS, key), STUDY, scratch), allowed)


def test_places_are_those_that_count() -> None:
    ends = {place[-1] for place in RUN_PLACES if isinstance(place[-1], str)}
    assert {"dataset", "split", "name", "device", "dtype", "backend", "reason", "cpu_model", "commit", "torch"} <= ends
    assert len(RUN_PLACES) > 100


def test_nothing_is_written_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dataset names a file of a figure, and once did so as it was."""
    monkeypatch.chdir(tmp_path)
    inner = tmp_path / "deep" / "deeper"
    inner.mkdir(parents=True)
    doc = _run()
    for case in doc["cases"]:
        case["workload"]["dataset"] = "../../../outside/x"
        if case.get("quality"):
            case["quality"]["dataset"] = "../../../outside/x"
    run, study = inner / "run.json", inner / "summary.json"
    run.write_text(json.dumps(doc))
    study.write_text(json.dumps(STUDY | {"dataset": "../../../outside/x"}))
    before = set(tmp_path.rglob("*"))
    assert main(["report", str(run), "--study", str(study), "--out", str(inner / "out")]) == 0
    new = set(tmp_path.rglob("*")) - before
    assert new and all(path.is_relative_to(inner / "out") for path in new)
    assert len(list((inner / "out" / "figures").glob("pareto-*.svg"))) == 1


def test_commands_to_repeat_run_nothing_else(tmp_path: Path) -> None:
    doc = _run()
    doc["suite"] |= {"commit": "$(touch x); `id`", "argv": ["/bin/rm", "-rf", "$HOME; id\nid"]}
    block = rendered(doc, None, tmp_path)["report.md"].decode().partition("```console\n")[2].splitlines()
    assert block == ["pytest -rf '$HOME; id id'", "python -m bench.report run.json", "```"]
