import copy

import pytest

from bench.report.audit import cache_tables, crosscheck_tables, order_flips, stage_tables
from bench.report.cells import Cell, Table, marked
from bench.report.environment import warnings
from bench.report.frame import cases_frame
from bench.report.markdown import table_markdown
from bench.report.story import budgets, commands, limits, without_result
from bench.report.tables import accuracy_tables, by_dataset, cost_tables, untrained
from bench.report.workflows import workflow_tables


@pytest.fixture
def cases(doc):
    return cases_frame([doc])


def cell(tables, title, row, column):
    table = next(t for t in tables if t.title.endswith(title))
    cells = next(r for r in table.rows if r[0].text == row)
    return cells[table.headers.index(column)]


def test_the_cost_table_holds_the_paper_workloads(cases):
    tables = cost_tables(cases)
    assert [t.title.rsplit(" ", 1)[1] for t in tables] == ["activitynet-captions", "charades-sta", "tacos"]
    assert {row[0].text for row in tables[1].rows} == {"emtm-student", "seqpan", "vslnet", "eamat"}
    assert cell(tables, "charades-sta", "seqpan", "MACs").text == "89.5 M"
    assert cell(tables, "charades-sta", "vslnet", "fvcore MACs (coverage)").text == "65.4 M (66 %)"


def test_a_missing_value_is_a_dash_with_its_reason(cases):
    found = cell(cost_tables(cases), "activitynet-captions", "emtm-student", "fvcore MACs (coverage)")
    assert (found.text, found.note) == ("—", "fvcore failed: TypeError: iteration over a 0-d tensor")


def test_equal_footnotes_share_a_mark():
    table = Table("t", "", ("a", "b", "c"), ((Cell("—", None, "x"), Cell("—", None, "y"), Cell("—", None, "x")),))
    rows, notes = marked(table)
    assert [c.plain for c in rows[0]] == ["—¹", "—²", "—¹"]
    assert notes == ["x", "y"]


def test_the_accuracy_table_ends_with_the_floors(cases):
    table = accuracy_tables(cases)[1]
    assert table.title == "Accuracy and cost on synth-charades (synthetic)"
    assert [row[0].text for row in table.rows[table.rule_before :]] == ["floor: fixed-best", "floor: query-only"]
    assert cell([table], "(synthetic)", "floor: fixed-best", "R1@0.5 (%)").text == "24.1"


def test_a_gain_inside_the_interval_is_not_claimed(doc):
    for case in doc["cases"]:
        if case.get("quality"):
            case["quality"]["floors"]["query_only"]["r1"]["0.5"] = 57.0
    found = cell(accuracy_tables(cases_frame([doc])), "synth-charades (synthetic)", "seqpan", "Gain over floor")
    assert found.note == "the interval reaches the query-only floor: no gain is shown"


def test_fvcore_turns_vslnet_and_seqpan_around(cases):
    rows = by_dataset(untrained(cases))["charades-sta"]
    assert order_flips(rows) == ["seqpan looks dearer than vslnet and is cheaper"]
    tables = crosscheck_tables(cases)
    assert cell(tables, "charades-sta", "vslnet", "Why").text.startswith("no aten::lstm ×2: 3")
    assert "FLOPs of norms" in cell(tables, "charades-sta", "seqpan", "Why").text


def test_stage_shares_are_of_the_whole(cases):
    found = cell(stage_tables(cases), "MACs by stage at the sizes of charades-sta", "seqpan", "fusion")
    assert found.text == "31.3 M (35 %)"


def test_counts_of_one_model_on_two_devices_are_one_row(doc):
    for case in [c for c in doc["cases"] if c["case_id"].startswith("seqpan|tacos")]:
        execution = {**case["execution"], "device": "cuda:0"}
        doc["cases"].append({**case, "case_id": case["case_id"].replace("cpu", "cuda"), "execution": execution})
    cases = cases_frame([doc])
    assert [row[0].text for row in cost_tables(cases)[2].rows].count("seqpan (cuda:0)") == 1
    assert [row[0].text for row in crosscheck_tables(cases)[2].rows].count("seqpan") == 1


def test_training_steps_and_evaluation_have_tables_of_their_own(cases):
    steps, evaluation = workflow_tables(cases)
    assert cell([steps], "charades-sta", "vslnet", "Step p50 [99 % CI]").text == "340 [330, 354] ms"
    assert evaluation.rows[0][-1].note == "extrapolated from 372 queries"


def step(doc, name):
    (case,) = (c for c in doc["cases"] if c["case_id"].startswith(f"{name}|charades-sta|train_step"))
    return case


def add_emtm(doc, scenario):
    """EMTM beside the student: the same record under another name."""
    (student,) = (c for c in doc["cases"] if c["case_id"].startswith(f"emtm-student|charades-sta|{scenario}|cpu|fp32"))
    emtm = copy.deepcopy(student)
    emtm["case_id"] = student["case_id"].replace("emtm-student", "emtm")
    emtm["model"] |= {"name": "emtm", "base": "emtm"}
    doc["cases"].append(emtm)
    return emtm


def test_a_step_is_compared_with_the_students(doc):
    student = step(doc, "emtm-student")["training"]
    student |= {"step_s": 0.2, "step_ci99_s": [0.19, 0.21]}
    add_emtm(doc, "train_step")["training"] |= {"step_s": 0.5, "step_ci99_s": [0.4, 0.6]}
    tables = workflow_tables(cases_frame([doc]))
    # 0.4 / 0.21 and 0.6 / 0.19
    assert cell(tables, "step at the sizes of charades-sta", "emtm", "× student [interval]").text == "2.50 [1.90, 3.16]"
    assert cell(tables, "step at the sizes of charades-sta", "emtm-student", "× student [interval]").text == "1"
    assert "cache" in tables[0].caption
    student |= {"step_ci99_s": None, "step_ci99_s_reason": "n=2 < 8 samples"}
    found = cell(
        workflow_tables(cases_frame([doc])), "step at the sizes of charades-sta", "emtm", "× student [interval]"
    )
    assert (found.text, found.note) == ("2.50", "no interval: n=2 < 8 samples")
    doc["cases"].remove(step(doc, "emtm-student"))
    assert "× student [interval]" not in workflow_tables(cases_frame([doc]))[0].headers


def test_a_step_that_was_left_out_comes_last_with_its_reason(doc):
    step(doc, "emtm-student").update(training=None, training_reason="3 training steps of 19 s are over the 5 s")
    table = workflow_tables(cases_frame([doc]))[0]
    assert table.rows[-1][0].text == "emtm-student"
    found = cell([table], "charades-sta", "emtm-student", "Step p50 [99 % CI]")
    assert (found.text, found.note) == ("—", "3 training steps of 19 s are over the 5 s")
    assert cell([table], "charades-sta", "vslnet", "× student [interval]").note == found.note


def test_students_that_are_one_network_say_so(doc):
    emtm = add_emtm(doc, "single_stream")
    note = "emtm and emtm-student are one network at inference, to the parameter and the multiply-add"
    for name in ("emtm", "emtm-student"):
        assert cell(cost_tables(cases_frame([doc])), "charades-sta", name, "Model").note.startswith(note)
    emtm["compute"]["macs"] += 1
    assert cell(cost_tables(cases_frame([doc])), "charades-sta", "emtm", "Model").note is None


def test_what_is_too_dear_is_a_dash_with_its_reason(doc):
    (case,) = (c for c in doc["cases"] if c["case_id"].startswith("eamat|tacos"))
    for block in ("latency", "throughput", "memory", "reference", "noise", "energy"):
        case |= {block: None, f"{block}_reason": "too dear"}
    columns = ("Latency p50 [99 % CI]", "p90", "× GEMM floor", "Throughput at knee", "Peak memory")
    found = [cell(cost_tables(cases_frame([doc])), "tacos", "eamat", column) for column in columns]
    assert [(c.text, c.note) for c in found] == [("—", "too dear")] * len(columns)
    assert cell(cost_tables(cases_frame([doc])), "tacos", "eamat", "MACs").sort > 1e9


def test_a_sweep_that_ended_early_says_so(doc):
    (case,) = (c for c in doc["cases"] if c["case_id"].startswith("seqpan|tacos"))
    last = case["throughput"]["curve"][-1]
    last.update(status="skipped", value=None, value_reason="9 calls of 2 s are over the 8 s", ci99=None)
    found = cell(cost_tables(cases_frame([doc])), "tacos", "seqpan", "Throughput at knee")
    assert found.note == "larger batches were left out: 9 calls of 2 s are over the 8 s"


def test_what_a_cache_saves(doc):
    assert cache_tables(cases_frame([doc])) == []
    (case,) = (c for c in doc["cases"] if c["case_id"].startswith("seqpan|charades-sta|single_stream"))
    case["compute"] |= {"macs": 1_000_000, "query_independent_macs": 250_000}
    (table,) = cache_tables(cases_frame([doc]))
    assert [c.text for c in table.rows[0]] == ["seqpan", "1.00 M", "250 k", "25 %", "750 k"]


def test_the_rule_of_the_budget_stands_in_the_report(doc):
    assert budgets([doc]) == []
    doc["suite"]["budget"] = {"rule": "Dear parts are null.", "run_macs": 2e10, "latency_s": 3.0}
    assert budgets([doc, doc]) == [
        f"Profile {doc['suite']['profile']} leaves out what is too dear for it. Dear parts are null. "
        "Limits: run_macs 2e+10, latency_s 3."
    ]


def test_a_bar_in_a_name_does_not_break_the_markdown():
    table = Table("t", "", ("case",), ((Cell("a|b", "a|b"),),))
    assert "a\\|b" in table_markdown(table)


def test_warnings_name_what_is_wrong(doc):
    found = " ".join(warnings([doc], cases_frame([doc])))
    for part in ("1 case failed", "noisy", "dirty", "not pinned", "load 1.3"):
        assert part in found


def test_a_clean_run_has_no_warnings(doc):
    doc["suite"]["dirty"] = False
    doc["env"]["volatile"]["load1_start"] = 0.1
    doc["env"]["settings"]["affinity"] = [0]
    doc["cases"] = [c for c in doc["cases"] if c["status"] == "ok" and c.get("noise", {}).get("verdict") != "noisy"]
    assert warnings([doc], cases_frame([doc])) == []


def test_limits_follow_the_data(doc, cases):
    assert any("synthetic" in line for line in limits(cases))
    doc["cases"] = [c for c in doc["cases"] if not c.get("quality")]
    assert not any("synthetic" in line for line in limits(cases_frame([doc])))


def test_failed_cases_are_listed(cases):
    table = without_result(cases)
    assert [c.text for c in table.rows[0]][1:] == [
        "failed",
        "output parity against eager fp32 failed: max deviation 0.31",
    ]


def test_the_command_does_not_name_the_folder_of_the_program(doc):
    doc["suite"]["argv"][0] = "/somewhere/bin/pytest"
    assert commands([doc], ["run.json"]) == [
        f"git checkout {doc['suite']['commit']}",
        "pytest bench/ --benchmark-only",
        "python -m bench.report run.json",
    ]
