import re
from html.parser import HTMLParser
from pathlib import Path

from bench.report.figures import all_figures
from bench.report.frame import cases_frame

GOLDEN = Path(__file__).with_name("golden.md")
VOID = {"meta", "br", "img", "link", "path", "use", "rect"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.addresses, self.tags = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href", "action"):
                self.addresses.append(value)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def parsed(files):
    page = Page()
    page.feed(files["report.html"].decode())
    return page


def test_markdown_is_the_golden_one(example_files):
    """After a wanted change: write `report.md` of the example to golden.md and read the difference."""
    assert example_files["report.md"].decode() == GOLDEN.read_text("utf-8")


def test_the_page_asks_for_nothing(example_files):
    page, text = parsed(example_files), example_files["report.html"].decode()
    assert all(address.startswith("#") for address in page.addresses)
    assert not re.search(r"@import|url\((?!#)", text)
    assert not {"link", "img", "iframe"} & set(page.tags)


def test_the_page_is_well_formed_and_its_ids_are_unique(example_files):
    page = parsed(example_files)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert {address[1:] for address in page.addresses} <= set(page.ids)


def test_warnings_come_before_limits_and_limits_before_numbers(example_files):
    text = example_files["report.html"].decode()
    places = [text.index(part) for part in ("Read this first", 'id="limits"', 'id="protocol"', "<figure", "<table")]
    assert places == sorted(places)


def test_text_from_a_run_is_escaped(doc):
    from bench.report.document import build
    from bench.report.html import report_html

    doc["env"]["hardware"]["cpu_model"] = "<script>alert(1)</script>"
    doc["cases"] = [case for case in doc["cases"] if case["status"] == "failed"]
    assert "<script>alert" not in report_html(build([doc], ["run.json"]))


def test_figures_are_equal_for_equal_runs(example_doc, example_report):
    again = all_figures(cases_frame([example_doc]))
    assert [(f.name, f.svg, f.png) for f in again] == [(f.name, f.svg, f.png) for f in example_report.figures]


def test_a_figure_holds_one_dataset_and_says_when_it_is_synthetic(example_report):
    titles = {f.name: f.title for f in example_report.figures}
    assert titles["pareto-smoke"] == "Accuracy against cost, smoke (synthetic)"
    assert titles["pareto-synth-charades"] == "Accuracy against cost, synth-charades (synthetic)"


def test_all_names_of_files(example_files):
    figures = [f"figures/{n}" for n in ("pareto-smoke", "pareto-synth-charades", "throughput", "stages")]
    assert set(example_files) == {
        *("report.html", "report.md", "results.csv"),
        *(f"{f}.{kind}" for f in figures for kind in ("svg", "png")),
    }
