"""What a point of accuracy costs in training: hand-computed bills."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.missing import Missing
from bench.report.content.study import Study, read_study
from bench.report.content.training_cost import Bill, Bills, Over, bills
from bench.report.formats.csv import study_csv
from bench.report.sections.training_cost import training_cost_table
from emtm.metrics.paired import MeanInterval
from tests.report.conftest import Doc
from tests.report.studies import example_summary, row

Read = Callable[[], Study]


@pytest.fixture
def summary() -> Doc:
    """Teachers of 500 and 300 s, labels of 20 and 10 s; EMTM takes 754 s and the student alone 30 s."""
    doc: Doc = json.loads(json.dumps(example_summary()))
    for teacher, seconds, labels in zip(doc["teachers"], (500.0, 300.0), (20.0, 10.0), strict=True):
        teacher |= {"training_s": seconds, "labels_s": labels, "device": "cpu"}
    for variant in doc["rows"]:
        variant["device"] = "cpu"
    control = row("smoothed-truth", "control", ([77.0, 78.0], 77.5, 9.9), ([64.0, 65.0], 64.5, 9.9), None, 40.0)
    worse = row("no-distillation", "none", ([75.0, 75.0], 75.0, 9.9), ([64.0, 65.0], 64.5, 9.9), None, 50.0)
    doc["rows"] += [{**control, "device": "cpu"}, {**worse, "device": "cpu"}]
    return doc


@pytest.fixture
def read(summary: Doc, tmp_path: Path) -> Read:
    def read() -> Study:
        path = tmp_path / "summary.json"
        path.write_text(json.dumps(summary))
        return read_study(path)

    return read


def found(study: Study) -> tuple[Bills, dict[str, Bill]]:
    made = bills(study)
    assert made is not None
    return made, {bill.variant.name: bill for bill in made.rows}


def over(bill: Bill, *, control: bool = False) -> Over:
    compared = bill.over_control if control else bill.over_alone
    assert isinstance(compared, Over)
    return compared


def test_teachers_labels_and_student_are_paid_for(read: Read) -> None:
    made, rows = found(read())
    assert (list(rows), made.devices) == (["full", "official-losses", "only:eamat"], ("cpu",))
    full = rows["full"]
    assert (full.teachers_s, full.labels_s) == (800.0, 30.0)
    # The summary's own 6.3 ± 2.2 points; 800 + 30 + 754 - 30 seconds for them.
    alone = over(full)
    assert alone.extra_s == 1554.0
    assert isinstance(alone.gain, MeanInterval) and not isinstance(alone.per_point, Missing)
    assert alone.per_point.value == pytest.approx(1554 / 6.3)
    assert (alone.per_point.low, alone.per_point.high) == pytest.approx((1554 / 8.5, 1554 / 4.1))


def test_a_variant_pays_for_the_teachers_that_it_needs(read: Read) -> None:
    _, rows = found(read())
    assert (rows["only:eamat"].teachers_s, rows["only:eamat"].labels_s) == (300.0, 10.0)


def test_the_control_is_the_best_that_has_no_teacher(read: Read) -> None:
    made, rows = found(read())
    assert made.control is not None and made.control.name == "smoothed-truth"
    beside = over(rows["full"], control=True)
    # 79 - 77 and 82 - 78: 3 ± 12.7, so that nothing bounds the cost of a point from above.
    assert beside.extra_s == 1544.0
    assert not isinstance(beside.per_point, Missing)
    assert (beside.per_point.value, beside.per_point.high) == (pytest.approx(1544 / 3), math.inf)
    lost = over(rows["official-losses"], control=True)
    assert lost.per_point == Missing("nothing is gained")


def test_the_table_says_what_is_not_known(summary: Doc, read: Read) -> None:
    del summary["teachers"][1]["training_s"]
    summary["teachers"][0]["labels_s"] = None
    study = read()
    made, _ = found(study)
    table = training_cost_table(study, made)
    full = dict(zip(table.headers, table.rows[0], strict=True))
    assert (full["Teachers"].text, full["Teachers"].note) == ("—", "the summary does not hold the teachers' seconds")
    assert full["Their labels"].note == "the summary does not hold the seconds of their labels"
    assert full["One student (longer than alone)"].text == "12.6 min (+12.1 min)"
    assert full["All, beyond the student alone"].note == full["Per point [95 % CI]"].note == full["Teachers"].note
    assert full["Points over it"].text == "+6.3 ± 2.2"
    assert "(cpu)" in table.caption


def test_the_table_of_a_whole_bill(read: Read) -> None:
    study = read()
    made, _ = found(study)
    texts = [cell.text for cell in training_cost_table(study, made).rows[0]]
    assert texts == [
        *("full", "13.3 min", "30 s", "12.6 min (+12.1 min)", "25.9 min", "+6.3 ± 2.2", "4.1 min [3.0 min, 6.3 min]"),
        *("25.7 min", "+3.0 ± 12.7", "8.6 min [98 s, ∞)"),
    ]
    rows = study_csv(study).splitlines()
    assert "500.0" in rows[1] and "labels_s" in rows[0]


def test_a_study_without_teachers_has_no_bill(summary: Doc, read: Read) -> None:
    summary |= {"teachers": [], "rows": [one for one in summary["rows"] if one["name"] == "student-alone"]}
    del summary["aggregation"]
    assert bills(read()) is None
