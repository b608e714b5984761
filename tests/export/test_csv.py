"""Tables in timm's manner."""

import csv
import io
from dataclasses import replace

import pytest

from bench.export.quantities import QUANTITIES
from bench.record import CaseRecord
from bench.run import Run
from bench.safe import file_stem
from emtm.errors import UserError
from tests.export.conftest import FAILED, NOISY, ONE_OF_EACH, PLAIN, TRAINED, changed, rendered

Rows = dict[str, dict[str, str]]


def rows(text: str) -> Rows:
    return {row["case_id"]: row for row in csv.DictReader(io.StringIO(text), strict=True)}


def test_one_row_a_case_whatever_became_of_it(example: Run) -> None:
    found = rows(rendered("csv", example).files["results-cpu.csv"])
    assert set(found) == set(ONE_OF_EACH)
    assert (found[PLAIN]["latency_s"], found[PLAIN]["latency_s_low"]) == ("0.006057", "0.005984")
    assert (found[PLAIN]["params"], found[PLAIN]["macs"], found[PLAIN]["miou_pct"]) == ("1040000", "52300000", "")
    assert found[TRAINED]["synthetic"] == "yes"
    assert found[TRAINED]["commit"] == example.suite.commit


def test_doubtful_and_failed_rows_are_marked_and_empty(example: Run) -> None:
    found = rows(rendered("csv", example).files["results-cpu.csv"])
    assert (found[NOISY]["noise"], found[NOISY]["latency_s"]) == ("noisy", "")
    assert found[NOISY]["left_out"] == "latency, latency_ratio: measured while the machine was noisy"
    assert found[NOISY]["macs"] != ""
    assert found[FAILED]["status"] == "failed"
    assert {found[FAILED][quantity.column] for quantity in QUANTITIES} == {""}


def test_one_file_a_device(example: Run) -> None:
    def move(case: CaseRecord) -> CaseRecord:
        return replace(case, execution=replace(case.execution, device="cuda:0"))

    files = rendered("csv", changed(example, TRAINED, move)).files
    assert {name: len(rows(text)) for name, text in files.items()} == {
        "results-cpu.csv": 5,
        f"results-{file_stem('cuda:0')}.csv": 1,
    }
    assert len({text.partition("\n")[0] for text in files.values()}) == 1


@pytest.mark.parametrize(
    ("model", "cell"),
    [("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("@x", "'@x"), ("-1+1", "'-1+1"), ("\t=1", "\\t=1"), ("'=", "''=")],
)
def test_nothing_is_a_formula(example: Run, model: str, cell: str) -> None:
    hostile = changed(example, PLAIN, lambda case: replace(case, model=replace(case.model, name=model)))
    assert rows(rendered("csv", hostile).files["results-cpu.csv"])[PLAIN]["model"] == cell


def test_a_run_without_cases_is_refused(example: Run) -> None:
    with pytest.raises(UserError, match="holds no case"):
        rendered("csv", replace(example, cases=()))
