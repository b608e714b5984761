"""The site: what it shows, that it asks nothing of anybody, and that no text of a run file becomes markup."""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.codec import decode
from bench.history.changes import Analysis, analyse
from bench.history.chart import letter
from bench.history.flat import FalseAlarms, false_alarms
from bench.history.folder import Folder, RunEntry, read_folder
from bench.history.folder import _entry as entry_of
from bench.history.measures import Reading
from bench.history.paths import GRID, Scale
from bench.history.series import History, Point, by_case
from bench.history.site import site_files
from bench.run import Run
from bench.safe import file_stem
from tests.history.conftest import Load
from tests.history.synthetic import Doc, case_doc, failed_doc, noise, params, quality, run_doc, timed, write
from tests.hostile import HOSTILE, open_places, planted, sound, strings


def analyses_of(history: History) -> list[Analysis]:
    return [analyse(history, case.case_id, series) for case in history.cases for series in case.series]


def site(history: History) -> dict[str, str]:
    files = site_files(history, analyses_of(history), FalseAlarms(0, 0))
    return {name: content.decode() for name, content in files.items()}


def example(text: str = "plain", runs: int = 24) -> list[Doc]:
    """A step, a failure, a gap, another machine, noise, an accuracy that fell; `text` wherever a file has text."""
    rng = np.random.default_rng(0)
    docs = []
    for i in range(runs):
        level = 50 * (1.1 if i >= runs // 2 else 1) * (1 + rng.normal(0, 0.01))
        steady = case_doc(f"a{text}|smoke", reference=timed(level), params=params(7 + (i > 3)))
        steady |= {"noise": noise("noisy" if i % 7 == 3 else "quiet"), "quality": quality(60 - 20 * (i > 8), 3)}
        sick = failed_doc("b|smoke", f"why: {text}") if i > runs - 4 else case_doc("b|smoke", params=params(9))
        cases = [steady] + ([sick] if i != 5 else [])
        docs.append(run_doc(i, cases, cpu_model=f"cpu {text}{'2' if i >= runs - 6 else '1'}", commit=f"{text}{i}"))
    return docs


class Structure(HTMLParser):
    """Tags with the names of their attributes, and all links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


NASTY = (
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'; alert(1); //",
    "{{ 7 * 7 }}{% raw %}",
    "../../../etc/passwd",
    "javascript:alert(1)",
    "\u202egnp.exe\u0000\u001b[31m\u2028",
    "&lt;b&gt;",
    "\ud800",
)


@pytest.fixture(scope="module")
def harmless() -> dict[str, Structure]:
    return structures("plain")


def structures(text: str) -> dict[str, Structure]:
    with tempfile.TemporaryDirectory() as folder:
        history = by_case(read_folder(write(Path(folder), example(text)), None, lambda done: None))
    pages = {name: page for name, page in site(history).items() if name.endswith(".html")}
    kinds = {name: "index" if name == "index.html" else history_case(name, history) for name in pages}
    return {kinds[name]: Structure(page) for name, page in pages.items()}


def history_case(name: str, history: History) -> str:
    return next(case.case_id[0] for case in history.cases if name.endswith(f"/{file_stem(case.case_id)}.html"))


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_a_run_file_becomes_markup(text: str, harmless: dict[str, Structure]) -> None:
    for kind, found in structures(text).items():
        assert found.tags == harmless[kind].tags


@pytest.mark.parametrize("first", [0, 12, 24])
def test_a_text_in_every_place_becomes_no_markup(first: int, harmless: dict[str, Structure]) -> None:
    docs = example(runs=14)
    free = [place for doc in (docs[0], docs[-1]) for place in open_places(doc, sound) if "case_id" not in place]
    texts = {place: HOSTILE[(first + i) % len(HOSTILE)] for i, place in enumerate(dict.fromkeys(free))}
    docs = [planted(doc, {place: texts[place] for place in strings(doc) if place in texts}) for doc in docs]
    allowed = {kind for page in harmless.values() for tag, names in page.tags for kind in [tag, *product([tag], names)]}
    with tempfile.TemporaryDirectory() as folder:
        files = site(by_case(read_folder(write(Path(folder), docs), None, lambda done: None)))
    for name, page in files.items():
        assert re.fullmatch(r"(cases/)?[a-z0-9][a-z0-9-]*\.(html|js|css)", name)
        found = Structure(page) if name.endswith(".html") else Structure("")
        assert {kind for tag, names in found.tags for kind in [tag, *product([tag], names)]} <= allowed
        assert all(re.fullmatch(r"[a-z0-9./#-]+", link) for link in found.links)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028]", page)


@settings(max_examples=10, deadline=None)
@given(text=st.text(max_size=20))
def test_no_text_at_all_becomes_markup(text: str, harmless: dict[str, Structure]) -> None:
    for kind, found in structures(text).items():
        assert found.tags == harmless[kind].tags


@pytest.mark.parametrize("text", NASTY)
def test_the_script_of_runs_is_data_alone(text: str, load: Load) -> None:
    script = site(load(example(text)))["runs.js"]
    assert script.isascii()
    runs = json.loads(re.fullmatch(r"const RUNS = (.*);\n", script)[1])
    assert len(runs) == 24 and runs[0][2] == "A"


def test_the_site_asks_nothing_of_anybody(load: Load) -> None:
    files = site(load(example()))
    for name, page in files.items():
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page), name
    for name in (name for name in files if name.endswith(".html")):
        structure = Structure(files[name])
        assert "default-src 'none'; style-src 'self'; script-src 'self'" in files[name]
        attributes = {attribute for _, names in structure.tags for attribute in names}
        assert "style" not in attributes and not any(attribute.startswith("on") for attribute in attributes)
        assert [names for tag, names in structure.tags if tag == "script"] == [("src", "defer")] * 2
        assert "style" not in {tag for tag, _ in structure.tags}
        for link in structure.links:
            target = (Path("/site") / name).parent / unquote(link.partition("#")[0])
            assert target.resolve().relative_to("/site").as_posix() in files, link


def test_equal_histories_give_equal_bytes(load: Load) -> None:
    history = load(example())
    assert site(history) == site(history)


def test_the_index_tells_states_and_changes(load: Load) -> None:
    text = " ".join(" ".join(Structure(site(load(example()))["index.html"]).text).split())
    assert "✕ failing 1 ▲ worse 1" in text
    assert re.search(r"2026-01-13 plain11\.\.plain12 \+8\.8 % slower: latency of aplain\|smoke", text)
    assert "2026-01-10 plain8..plain9 -20.0 points worse: 2 figures of aplain|smoke" in text
    assert "processor cpu plain1 → cpu plain2" in text


def test_a_case_tells_what_is_not_measured(load: Load) -> None:
    files = site(load(example()))
    page = next(page for name, page in files.items() if name.startswith("cases/b"))
    text = " ".join(Structure(page).text)
    assert "why: plain" in text and "to the newest run, 3 runs" in text
    assert "not in the run file" in text


def test_values_can_be_read_back_from_the_drawing(load: Load) -> None:
    """What the script shows is what the path holds, to a two-thousandth of the axis."""
    history = load(example())
    page = next(page for name, page in site(history).items() if name.startswith("cases/a"))
    low, high = (float(re.search(rf'data-{end}="([^"]*)"', page)[1]) for end in ("low", "high"))
    path = re.search(r'<path class="dots" d="([^"]*)"', page)[1]
    drawn, x, y = {}, 0, 0
    for right, down in re.findall(r"[Mm](\d+) ?(-?\d+)h0", path):
        x, y = x + int(right), y + int(down)
        drawn[(x - 1) // 2] = high - y / GRID * (high - low)
    points = {p.run: p.reading.value for p in history.cases[0].series[0].points if not p.noisy}
    assert drawn.keys() == points.keys()
    assert max(abs(drawn[run] - points[run]) for run in points) <= (high - low) / GRID


@pytest.mark.parametrize(
    ("values", "expected"), [([100.0], (96, 104)), ([0.0], (-0.5, 0.5)), ([100.0, 200.0], (94, 206))]
)
def test_the_axis_holds_its_values_and_does_not_magnify_noise(
    values: list[float], expected: tuple[float, float]
) -> None:
    scale = Scale.of([Point(i, Reading(value), False) for i, value in enumerate(values)])
    assert (scale.low, scale.high) == pytest.approx(expected)


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_and_inside(low: float, span: float) -> None:
    high = low + span
    if high - low > 1e-6 * abs(low):
        found = Scale(low, high).ticks()
        assert 1 <= len(found) <= 5
        slack = 1e-9 * max(abs(low), abs(high))
        assert all(low - slack <= tick <= high + slack for tick in found)


def test_letters_never_end() -> None:
    assert [letter(i) for i in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_false_alarms_are_measured_on_the_histories_own_noise(load: Load) -> None:
    rng = np.random.default_rng(0)
    docs = [run_doc(i, [case_doc(reference=timed(50 * (1 + rng.normal(0, 0.01))))]) for i in range(40)]
    assert false_alarms(analyses_of(load(docs[:10]))) == FalseAlarms(0, 0)
    found = false_alarms(analyses_of(load(docs)))
    assert found.series == 200 and found.alarms <= 2
    assert "of 200 flat series" in str(found)


def entry(number: int, case_ids: Sequence[str], rng: np.random.Generator) -> RunEntry:
    """A run of many cases as the files of such would be read; what varies does so as on a busy machine."""
    doc = run_doc(number, [], torch="2.14.0" if number >= 100 else "2.13.0")
    run = decode(Run, doc)
    one = case_doc("model|smoke", reference=timed(100), params=params(1000), quality=quality(60, 3))
    template = entry_of(decode(Run, doc | {"cases": [one]}), Path("run.json")).cases["model|smoke"]
    cases = {}
    for k, case_id in enumerate(case_ids):
        level = 100 * (1 + k / 9) * (1.05 if number >= 80 and k % 5 == 0 else 1)
        readings = dict(template.readings)
        for name in ("latency", "query in a batch of 16"):
            value = level * (1 + rng.normal(0, 0.01))
            readings[name] = Reading(value, (value * 0.98, value * 1.03), "product", value * 1e-4)
        score = 60 + (number // 10) % 7
        for name in ("R1@0.3", "R1@0.5", "R1@0.7", "mIoU"):
            readings[name] = Reading(score, (score - 2.5, score + 2.5))
        for name in ("parameters", "bytes of weights", "MACs", "tensor peak", "activation peak"):
            readings[name] = Reading(10**7 * (k + 1) + (number // 40) * (k % 3))
        cases[case_id] = dataclasses.replace(
            template, model=f"model-{k}", noisy=rng.random() < 0.1, batch_sizes=(16,), readings=readings
        )
    return dataclasses.replace(entry_of(run, Path("run.json")), cases=cases)


@pytest.mark.slow
def test_two_hundred_runs_of_250_cases_stay_under_ten_megabytes() -> None:
    rng = np.random.default_rng(0)
    case_ids = [f"model-{k}|charades-sta|single_stream|cpu|fp32|eager|t1|b1|l128" for k in range(250)]
    history = by_case(Folder(tuple(entry(i, case_ids, rng) for i in range(200)), ()))
    files = site_files(history, analyses_of(history), FalseAlarms(0, 0))
    assert len(files) == 4 + 250
    assert sum(map(len, files.values())) < 10e6
    assert len(files["index.html"]) < 1.5e6
