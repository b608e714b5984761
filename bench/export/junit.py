"""JUnit XML, which every CI shows: one test case a case of the run.

A case that raised an error is an error, one whose output is unsound a failure; both and what was skipped have the
reason. A case that has a result, but times from a busy machine, is skipped too: a green mark would vouch for them.
Figures are properties of the test case; its time is that of one call.

    artifacts: {reports: {junit: junit.xml}}
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from bench.export.format import Format, Rendering
from bench.export.selection import Selection, failure, select
from bench.missing import known
from bench.record import CaseRecord
from bench.run import Run
from bench.safe import one_line
from emtm.errors import UserError

_ELEMENTS = {"failed": "error", "invalid": "failure", "skipped": "skipped"}


def render(run: Run, out: Path) -> Rendering:
    """One suite."""
    if not run.cases:
        raise UserError(f"run {run.run_id} holds no case: nothing was written")
    selection = select(run)
    cases = [_case(case, selection) for case in run.cases]
    ends = Counter(child.tag for case in cases for child in case)
    counts = {"tests": len(cases), "failures": ends["failure"], "errors": ends["error"], "skipped": ends["skipped"]}
    totals = {name: str(count) for name, count in counts.items()}
    suites = ET.Element("testsuites", {"name": "emtm-bench", **totals})
    when = one_line(run.created_utc).removesuffix("Z")
    suite = ET.SubElement(suites, "testsuite", {"name": "emtm-bench", **totals, "timestamp": when})
    _properties(suite, _facts(run))
    suite.extend(cases)
    ET.indent(suites, " ")
    return Rendering({".": f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'})


def _case(case: CaseRecord, selection: Selection) -> ET.Element:
    figures = {p.quantity: p.figure.value for p in selection.points if p.case is case}
    group = f"{case.model.name}.{case.workload.dataset}.{case.workload.scenario}"
    found = ET.Element("testcase", {"classname": one_line(group), "name": one_line(case.case_id)})
    seconds = next((value for quantity, value in figures.items() if quantity.unit == "s"), None)
    if seconds is not None:
        found.set("time", f"{seconds:.9f}")
    _properties(found, {quantity.column: str(value) for quantity, value in figures.items()})
    kept_back = selection.kept_back(case)
    if case.status != "ok":
        ET.SubElement(found, _ELEMENTS[case.status], {"message": one_line(failure(case)), "type": case.status})
    elif kept_back is not None:
        ET.SubElement(found, "skipped", {"message": one_line(kept_back)})
    return found


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    if values:
        block = ET.SubElement(parent, "properties")
        for name, value in values.items():
            ET.SubElement(block, "property", {"name": name, "value": one_line(value)})


def _facts(run: Run) -> dict[str, str]:
    facts = {
        "run_id": run.run_id,
        "commit": known(run.suite.commit),
        "profile": run.suite.profile,
        "environment": run.env.fingerprint,
        "cpu": run.env.hardware.cpu_model,
        "torch": run.env.software.torch,
        "python": run.env.software.python,
    }
    return {name: value for name, value in facts.items() if value is not None}


FORMAT = Format("junit", "file", "JUnit XML: one test case a case, failed, invalid and skipped with the reason", render)
