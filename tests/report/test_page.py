import re
from html.parser import HTMLParser
from pathlib import Path

from bench.report.document import Report, build
from bench.report.figures.pareto import pareto_figures
from bench.report.figures.stages import stage_figures
from bench.report.figures.throughput import throughput_figures
from bench.report.formats.html import report_html
from tests.report.conftest import Doc, content_of, run_of

GOLDEN = Path(__file__).with_name("golden.md")
VOID = {"meta", "br", "img", "input", "link", "path", "use", "rect"}


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "href", "xlink:href", "action"):
                self.addresses.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def parsed(files: dict[str, bytes]) -> Page:
    page = Page()
    page.feed(files["report.html"].decode())
    return page


def test_markdown_is_the_golden_one(example_files: dict[str, bytes]) -> None:
    """After a wanted change: write `report.md` of the example to golden.md and read the difference."""
    assert example_files["report.md"].decode() == GOLDEN.read_text("utf-8")


def test_the_page_asks_for_nothing(example_files: dict[str, bytes]) -> None:
    page, text = parsed(example_files), example_files["report.html"].decode()
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.search(r"@import|url\((?!#)", text)
    assert not {"link", "img", "iframe"} & set(page.tags)


def test_the_page_is_well_formed_and_its_ids_are_unique(example_files: dict[str, bytes]) -> None:
    page = parsed(example_files)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses} <= set(page.ids)


def test_questions_stand_in_the_readers_order_below_the_warnings(example_files: dict[str, bytes]) -> None:
    text = example_files["report.html"].decode()
    asked = ("choose", "costs", "trust", "limits", "protocol", "environment", "repeat")
    places = [text.index("Read this first"), *(text.index(f'id="{key}"') for key in asked)]
    assert places == sorted(places)


def test_text_from_a_run_is_escaped(doc: Doc) -> None:
    doc["env"]["hardware"]["cpu_model"] = "<script>alert(1)</script>"
    doc["cases"] = [case for case in doc["cases"] if case["status"] == "failed"]
    assert "<script>alert" not in report_html(build([run_of(doc)], ["run.json"]))


def test_figures_are_equal_for_equal_runs(doc: Doc, example_report: Report) -> None:
    content = content_of(doc)
    again = [
        *pareto_figures(content.tradeoffs),
        *throughput_figures(content.curves),
        *stage_figures(content.stage_macs),
    ]
    assert [(f.name, f.svg, f.png) for f in again] == [(f.name, f.svg, f.png) for f in example_report.figures]


def test_a_figure_holds_one_dataset_and_says_when_it_is_synthetic(example_report: Report) -> None:
    titles = {f.name: f.title for f in example_report.figures}
    assert titles["pareto-smoke"] == "Accuracy against cost, smoke (synthetic)"
    assert titles["pareto-synth-charades"] == "Accuracy against cost, synth-charades (synthetic)"


def test_all_names_of_files(example_files: dict[str, bytes]) -> None:
    figures = [f"figures/{n}" for n in ("pareto-smoke", "pareto-synth-charades", "throughput", "stages")]
    assert {name for name in example_files if not name.startswith("tables/")} == {
        *("report.html", "report.md", "results.csv"),
        *(f"{f}.{kind}" for f in figures for kind in ("svg", "png", "pdf")),
    }
    tables = {name.removeprefix("tables/").rpartition(".")[0] for name in example_files if name.startswith("tables/")}
    assert {"accuracy-and-cost-on-smoke-synthetic", "cost-at-the-sizes-of-tacos"} <= tables
    assert {f"tables/{name}.{ending}" for name in tables for ending in ("tex", "md", "csv")} <= set(example_files)
