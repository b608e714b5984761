"""Tables that are taken along: LaTeX, Markdown and CSV of each, as files and behind the page's buttons."""

from __future__ import annotations

from html.parser import HTMLParser

from bench.report.formats.latex import table_latex
from bench.report.formats.tables import table_files, table_names
from bench.report.sections.cells import Cell, Table, empty, text

TABLE = Table(
    title="Cost & accuracy",
    caption="50 % of all.",
    headers=("Model", "MACs (×)", ""),
    rows=((text("a_b"), Cell("1.5 M", 1.5e6), text("x|y")), (text("floor"), empty("too dear"), text(""))),
    rule_before=1,
)


def test_latex_in_the_manner_of_booktabs() -> None:
    assert table_latex(TABLE) == (
        "\\begin{table}\n"
        "\\caption{Cost \\& accuracy. 50 \\% of all.}\n"
        "\\centering\n"
        "\\begin{tabular}{lrl}\n"
        "\\toprule\n"
        "Model & MACs ($\\times$) &  \\\\\n"
        "\\midrule\n"
        "a\\_b & 1.5 M & x\\textbar{}y \\\\\n"
        "\\midrule\n"
        "floor & ---$^{1}$ &  \\\\\n"
        "\\bottomrule\n"
        "\\end{tabular}\n"
        "\\par\\footnotesize $^{1}$ too dear\n"
        "\\end{table}\n"
    )


def test_names_of_files_are_those_of_the_tables() -> None:
    assert table_names([TABLE, TABLE]) == ["cost-accuracy-1", "cost-accuracy-2"]
    files = table_files([TABLE])
    assert set(files) == {"cost-accuracy.tex", "cost-accuracy.md", "cost-accuracy.csv"}
    assert files["cost-accuracy.csv"].decode().splitlines()[1] == "Cost & accuracy,a_b,1500000.0,x|y"


class Buttons(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "button" and (name := found.get("data-file")):
            self.texts[name] = found["data-text"] or ""


def test_a_click_takes_what_the_file_holds(example_files: dict[str, bytes]) -> None:
    page = Buttons()
    page.feed(example_files["report.html"].decode())
    stored = {name.removeprefix("tables/"): text.decode() for name, text in example_files.items() if "tables/" in name}
    assert page.texts == stored and len(stored) > 9
