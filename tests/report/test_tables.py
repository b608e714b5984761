import copy
from collections.abc import Sequence

import pytest

from bench.report.content.content import Content
from bench.report.formats.markdown import table_markdown
from bench.report.sections import no_result
from bench.report.sections.cells import Cell, Table
from bench.report.sections.cost import cost_tables
from bench.report.sections.crosscheck import crosscheck_tables
from bench.report.sections.environment import warnings
from bench.report.sections.limits import limits
from bench.report.sections.protocol import protocol
from bench.report.sections.repeat import commands
from bench.report.sections.stages import stage_tables
from bench.report.sections.tradeoff import accuracy_tables
from bench.report.sections.workflows import workflow_tables
from tests.report.conftest import Doc, content_of


@pytest.fixture
def content(doc: Doc) -> Content:
    return content_of(doc)


def cell(tables: Sequence[Table], title: str, row: str, column: str) -> Cell:
    table = next(t for t in tables if t.title.endswith(title))
    cells = next(r for r in table.rows if r[0].text == row)
    return cells[table.headers.index(column)]


def test_the_cost_table_holds_the_paper_workloads(content: Content) -> None:
    tables = cost_tables(content)
    assert [t.title.rsplit(" ", 1)[1] for t in tables] == ["activitynet-captions", "charades-sta", "tacos"]
    assert {row[0].text for row in tables[1].rows} == {"emtm-student", "seqpan", "vslnet", "eamat"}
    assert cell(tables, "charades-sta", "seqpan", "MACs").text == "89.5 M"
    assert cell(tables, "charades-sta", "vslnet", "fvcore MACs (coverage)").text == "65.4 M (66 %)"


def test_a_missing_value_is_a_dash_with_its_reason(content: Content) -> None:
    found = cell(cost_tables(content), "activitynet-captions", "emtm-student", "fvcore MACs (coverage)")
    assert (found.text, found.note) == ("—", "fvcore failed: TypeError: iteration over a 0-d tensor")


def test_the_accuracy_table_ends_with_the_floors(content: Content) -> None:
    table = accuracy_tables(content)[1]
    assert table.title == "Accuracy and cost on synth-charades (synthetic)"
    assert [row[0].text for row in table.rows[table.rule_before :]] == ["floor: fixed-best", "floor: query-only"]
    assert cell([table], "(synthetic)", "floor: fixed-best", "R1@0.5 (%)").text == "24.1"


def test_a_gain_inside_the_interval_is_not_claimed(doc: Doc) -> None:
    for case in doc["cases"]:
        if case.get("quality"):
            case["quality"]["floors"]["query_only"]["r1"]["0.5"] = 57.0
    found = cell(accuracy_tables(content_of(doc)), "synth-charades (synthetic)", "seqpan", "Gain over floor")
    assert found.note == "the interval reaches the query-only floor: no gain is shown"


def test_fvcore_turns_vslnet_and_seqpan_around(content: Content) -> None:
    (group,) = (group for group in content.crosschecked if group.dataset == "charades-sta")
    assert group.flips == (("seqpan", "vslnet"),)
    tables = crosscheck_tables(content)
    assert "seqpan looks dearer than vslnet and is cheaper" in tables[1].caption
    assert cell(tables, "charades-sta", "vslnet", "Why").text.startswith("no aten::lstm ×2: 3")
    assert "FLOPs of norms" in cell(tables, "charades-sta", "seqpan", "Why").text


def test_stage_shares_are_of_the_whole(content: Content) -> None:
    found = cell(stage_tables(content), "MACs by stage at the sizes of charades-sta", "seqpan", "fusion")
    assert found.text == "31.3 M (35 %)"


def test_counts_of_one_model_on_two_devices_are_one_row(doc: Doc) -> None:
    for case in [c for c in doc["cases"] if c["case_id"].startswith("seqpan|tacos")]:
        execution = {**case["execution"], "device": "cuda:0"}
        doc["cases"].append({**case, "case_id": case["case_id"].replace("cpu", "cuda"), "execution": execution})
    content = content_of(doc)
    assert [row[0].text for row in cost_tables(content)[2].rows].count("seqpan (cuda:0)") == 1
    assert [row[0].text for row in crosscheck_tables(content)[2].rows].count("seqpan") == 1


def test_training_steps_and_evaluation_have_tables_of_their_own(content: Content) -> None:
    steps, evaluation = workflow_tables(content)
    assert cell([steps], "charades-sta", "vslnet", "Step p50 [99 % CI]").text == "340 [330, 354] ms"
    assert evaluation.rows[0][-1].note == "extrapolated from 372 queries"


def step(doc: Doc, name: str) -> Doc:
    case: Doc
    (case,) = (c for c in doc["cases"] if c["case_id"].startswith(f"{name}|charades-sta|train_step"))
    return case


def add_emtm(doc: Doc, scenario: str) -> Doc:
    """EMTM beside the student: the same record under another name."""
    (student,) = (c for c in doc["cases"] if c["case_id"].startswith(f"emtm-student|charades-sta|{scenario}|cpu|fp32"))
    emtm: Doc = copy.deepcopy(student)
    emtm["case_id"] = student["case_id"].replace("emtm-student", "emtm")
    emtm["model"] |= {"name": "emtm", "base": "emtm"}
    doc["cases"].append(emtm)
    return emtm


def test_a_step_is_compared_with_the_students(doc: Doc) -> None:
    student = step(doc, "emtm-student")["training"]
    student |= {"step_s": 0.2, "step_ci99_s": [0.19, 0.21]}
    add_emtm(doc, "train_step")["training"] |= {"step_s": 0.5, "step_ci99_s": [0.4, 0.6]}
    tables = workflow_tables(content_of(doc))
    # 0.4 / 0.21 and 0.6 / 0.19
    assert cell(tables, "step at the sizes of charades-sta", "emtm", "× student [interval]").text == "2.50 [1.90, 3.16]"
    assert cell(tables, "step at the sizes of charades-sta", "emtm-student", "× student [interval]").text == "1"
    assert "cache" in tables[0].caption
    student |= {"step_ci99_s": None, "step_ci99_s_reason": "n=2 < 8 samples"}
    found = cell(workflow_tables(content_of(doc)), "step at the sizes of charades-sta", "emtm", "× student [interval]")
    assert (found.text, found.note) == ("2.50", "no interval: n=2 < 8 samples")
    doc["cases"].remove(step(doc, "emtm-student"))
    assert "× student [interval]" not in workflow_tables(content_of(doc))[0].headers


def test_a_step_that_was_left_out_comes_last_with_its_reason(doc: Doc) -> None:
    step(doc, "emtm-student").update(training=None, training_reason="3 training steps of 19 s are over the 5 s")
    table = workflow_tables(content_of(doc))[0]
    assert table.rows[-1][0].text == "emtm-student"
    found = cell([table], "charades-sta", "emtm-student", "Step p50 [99 % CI]")
    assert (found.text, found.note) == ("—", "3 training steps of 19 s are over the 5 s")
    assert cell([table], "charades-sta", "vslnet", "× student [interval]").note == found.note


def test_students_that_are_one_network_say_so(doc: Doc) -> None:
    emtm = add_emtm(doc, "single_stream")
    note = "emtm and emtm-student are one network at inference, to the parameter and the multiply-add"
    for name in ("emtm", "emtm-student"):
        found = cell(cost_tables(content_of(doc)), "charades-sta", name, "Model").note
        assert found is not None and found.startswith(note)
    emtm["compute"]["macs"] += 1
    assert cell(cost_tables(content_of(doc)), "charades-sta", "emtm", "Model").note is None


def test_what_is_too_dear_is_a_dash_with_its_reason(doc: Doc) -> None:
    (case,) = (c for c in doc["cases"] if c["case_id"].startswith("eamat|tacos"))
    for block in ("latency", "throughput", "memory", "reference", "noise", "energy"):
        case |= {block: None, f"{block}_reason": "too dear"}
    columns = ("Latency p50 [99 % CI]", "p90", "× GEMM floor", "Throughput at knee", "Peak memory")
    found = [cell(cost_tables(content_of(doc)), "tacos", "eamat", column) for column in columns]
    assert [(c.text, c.note) for c in found] == [("—", "too dear")] * len(columns)
    assert float(cell(cost_tables(content_of(doc)), "tacos", "eamat", "MACs").sort or 0) > 1e9


def test_a_sweep_that_ended_early_says_so(doc: Doc) -> None:
    (case,) = (c for c in doc["cases"] if c["case_id"].startswith("seqpan|tacos"))
    last = case["throughput"]["curve"][-1]
    last.update(status="skipped", value=None, value_reason="9 calls of 2 s are over the 8 s", ci99=None)
    found = cell(cost_tables(content_of(doc)), "tacos", "seqpan", "Throughput at knee")
    assert found.note == "larger batches were left out: 9 calls of 2 s are over the 8 s"


def test_the_rule_of_the_budget_stands_in_the_report(doc: Doc) -> None:
    assert not any("leaves out" in line for line in protocol(content_of(doc)))
    doc["suite"]["budget"] = {"rule": "Dear parts are null.", "run_macs": 2e10, "latency_s": 3.0}
    other = {**doc, "cases": [{**doc["cases"][0], "case_id": "another"}]}
    assert protocol(content_of(doc, other))[-1] == (
        f"Profile {doc['suite']['profile']} leaves out what is too dear for it. Dear parts are null. "
        "Limits: run_macs 2e+10, latency_s 3."
    )
    assert sum("leaves out" in line for line in protocol(content_of(doc, other))) == 1


def test_a_bar_in_a_name_does_not_break_the_markdown() -> None:
    table = Table("t", "", ("case",), ((Cell("a|b", "a|b"),),))
    assert "a\\|b" in table_markdown(table)


def test_warnings_name_what_is_wrong(doc: Doc) -> None:
    found = " ".join(warnings(content_of(doc)))
    for part in ("1 case failed", "noisy", "dirty", "not pinned", "load 1.3"):
        assert part in found


def test_a_clean_run_has_no_warnings(doc: Doc) -> None:
    doc["suite"]["dirty"] = False
    doc["env"]["volatile"]["load1_start"] = 0.1
    doc["env"]["settings"]["affinity"] = [0]
    doc["cases"] = [c for c in doc["cases"] if c["status"] == "ok" and c.get("noise", {}).get("verdict") != "noisy"]
    assert warnings(content_of(doc)) == []


def test_limits_follow_the_data(doc: Doc, content: Content) -> None:
    assert any("synthetic" in line for line in limits(content))
    doc["cases"] = [c for c in doc["cases"] if not c.get("quality")]
    assert not any("synthetic" in line for line in limits(content_of(doc)))


def test_failed_cases_are_listed(content: Content) -> None:
    (table,) = no_result.section(content).tables
    assert [c.text for c in table.rows[0]][1:] == [
        "failed",
        "output parity against eager fp32 failed: max deviation 0.31",
    ]


def test_the_command_does_not_name_the_folder_of_the_program(doc: Doc) -> None:
    doc["suite"]["argv"][0] = "/somewhere/bin/pytest"
    assert commands(content_of(doc)) == [
        f"git checkout {doc['suite']['commit']}",
        "pytest bench/ --benchmark-only",
        "python -m bench.report run.json",
    ]
