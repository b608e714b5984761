"""What a noisy machine timed: marked in its row, in no front, knee or order of times; and a run that is invalid."""

import re
from dataclasses import replace

import pytest

from bench.missing import Missing
from bench.report.content.curves import at_knee
from bench.report.content.pareto import Standing
from bench.report.document import build
from bench.report.figures.pareto import pareto_figures
from bench.report.formats.html import report_html
from bench.report.formats.markdown import report_markdown
from bench.report.sections.cells import NOISY
from tests.report.conftest import Doc, content_of, run_of

NOISE = {"reference_drift": 1.3, "verdict": "noisy"}


def small(doc: Doc, verdict: str) -> Doc:
    """Single queries at the sizes of TACoS, the first of which was timed so."""
    cases = [case for case in doc["cases"] if case["workload"]["dataset"] == "tacos"]
    for case in cases:
        case["noise"] = NOISE | {"verdict": "quiet"}
    cases[0]["noise"]["verdict"] = verdict
    return doc | {"cases": cases}


def test_the_row_is_marked_in_the_tables_of_times_alone(doc: Doc) -> None:
    report = build([run_of(small(doc, "noisy"))], ["run.json"])
    rows = {
        table.title.partition(" at ")[0]: [cells[0].text for cells in table.rows if table.noisy(cells)]
        for section in report.sections
        for table in section.tables
    }
    assert rows["Cost"] == rows["Time by stage"] == ["emtm-student"]
    assert rows["MACs by stage"] == []
    assert f"¹ {NOISY}" in report_markdown(report)
    page = report_html(report)
    assert len(re.findall('<tr[^>]* class="noisy">', page)) == 2
    assert '<th scope="col" class="number" data-timed="yes"><button type="button">p90' in page


def test_no_knee_is_called(doc: Doc) -> None:
    found = content_of(small(doc, "noisy"))
    curves = {curve.label: curve.knee for group in found.curves for curve in group.rows}
    assert curves["emtm-student"] is None and curves["vslnet"] is not None
    (noisy,) = [case for case in found.cases if case.model.name == "emtm-student"]
    assert at_knee(noisy) == Missing("no knee is called: the machine was noisy")


def test_it_is_in_no_front_of_times(doc: Doc) -> None:
    cases = [case for case in doc["cases"] if (case.get("quality") or {}).get("dataset") == "smoke"]
    for case in cases:
        case["noise"] = NOISE
    (tradeoff,) = content_of(doc | {"cases": cases}).tradeoffs
    seen = {cost.title: {one.standing for one in placed} for cost, placed in tradeoff.panels}
    assert seen["Latency of one query"] == {Standing.NOISY}
    assert Standing.NOISY not in seen["MACs of one query"]
    (figure,) = pareto_figures([tradeoff])
    assert "in no front of times" in figure.caption


def test_it_comes_last_in_the_order_of_steps(doc: Doc) -> None:
    cases = [case for case in doc["cases"] if case["workload"]["scenario"] == "train_step"]
    (quiet,) = content_of(doc | {"cases": cases}).steps
    cases[0 if cases[0]["model"]["name"] == quiet.rows[0].label else 1]["noise"] = NOISE
    (noisy,) = content_of(doc | {"cases": cases}).steps
    assert [row.label for row in noisy.rows] == [row.label for row in reversed(quiet.rows)]


def test_an_invalid_run_says_so_first(doc: Doc) -> None:
    found = small(doc, "noisy")
    assert build([run_of(found)], ["run.json"]).invalid == ()
    for case in found["cases"]:
        case["noise"]["verdict"] = "noisy"
    report = build([run_of(found)], ["run.json"])
    count = sum(case["status"] == "ok" for case in found["cases"])
    said = f"INVALID: {count} of {count} timed cases were measured while the machine was noisy (run {doc['run_id']})."
    assert report_markdown(report).startswith(f"**{said}")
    body = report_html(report).partition("<main>")[2].lstrip()
    assert body.startswith(f'<p class="invalid" role="alert">{said}')


@pytest.mark.parametrize("name", ["emtm", "a" * 60])
@pytest.mark.filterwarnings("error")
def test_a_single_model_has_axes_of_some_size(name: str, doc: Doc) -> None:
    """A long name leaves room for them, and a cost of nothing makes an axis; without any cost nothing is drawn."""
    case = next(case for case in doc["cases"] if case.get("quality"))
    case["model"]["name"] = name
    case["compute"]["macs"] = 0
    (tradeoff,) = content_of(doc | {"cases": [case]}).tradeoffs
    (figure,) = pareto_figures([tradeoff])
    panels = re.findall(r'id="patch_\d+">\s*<path d="M ([\d.]+) [\d.]+ \s*L ([\d.]+) ', figure.svg)
    assert sum(float(right) - float(left) > 150 for left, right in panels) >= 1 + len(tradeoff.panels)
    assert pareto_figures([replace(tradeoff, panels=())]) == []
