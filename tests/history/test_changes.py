"""What is called a regression, what is not, and between which commits it lies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from bench.history.changes import Change
from tests.history.conftest import Find
from tests.history.synthetic import Doc, case_doc, commit, noise, params, quality, run_doc, timed

NEW = {"cpu_model": "New Processor"}


def runs(
    levels: Sequence[float],
    environments: Callable[[int], dict[str, Any]] | None = None,
    seed: int = 0,
    spread: float = 0.01,
) -> list[Doc]:
    """A run a day of one case, at the level given for each; `environments` are the changes by run."""
    rng = np.random.default_rng(seed)
    values = np.array(levels) * (1 + rng.normal(0, spread, len(levels)))
    return [
        run_doc(i, [case_doc(reference=timed(value))], **(environments(i) if environments else {}))
        for i, value in enumerate(values)
    ]


def facts(change: Change) -> tuple[str, str, str]:
    return change.measure.name, change.verdict.value, change.cause


def test_a_step_lies_between_two_commits(find: Find) -> None:
    history, (change,) = find(runs([100] * 30 + [110] * 30))
    assert facts(change) == ("latency", "slower", "code")
    assert history.runs[change.last_good].commit == commit(29)
    assert history.runs[change.first_bad].commit == commit(30)
    assert change.relative == pytest.approx(0.1, abs=0.01)
    assert change.environment == ()


@pytest.mark.parametrize("seed", range(5))
def test_sixty_runs_with_one_step_and_one_changed_machine(find: Find, seed: int) -> None:
    """The step is a regression, the machine is not, though the ratio to the reference jumps with it."""
    levels = [100] * 25 + [105] * 15 + [105 * 1.12] * 20
    _, (step, machine) = find(runs(levels, lambda i: NEW if i >= 40 else {}, seed))
    assert facts(step) == ("latency", "slower", "code")
    assert step.last_good < 25 <= step.first_bad and abs(step.run - 25) <= 1
    assert facts(machine) == ("latency", "slower", "environment")
    assert machine.run == 40
    assert machine.environment == ("processor Old Processor → New Processor",)


@pytest.mark.parametrize("seed", range(5))
def test_the_step_is_found_within_five_runs(find: Find, seed: int) -> None:
    docs = runs([100] * 25 + [105] * 35, seed=seed)
    _, changes = find(docs[:30])
    assert [facts(change) for change in changes] == [("latency", "slower", "code")]


def test_a_machine_that_changes_nothing_is_no_change(find: Find) -> None:
    assert find(runs([100] * 60, lambda i: NEW if i >= 30 else {}))[1] == []


def test_a_step_on_the_new_machine_is_a_regression(find: Find) -> None:
    _, (change,) = find(runs([100] * 45 + [106] * 15, lambda i: NEW if i >= 20 else {}))
    assert facts(change) == ("latency", "slower", "code")
    assert change.last_good < 45 <= change.first_bad


def test_machines_that_take_turns_show_one_change_once(find: Find) -> None:
    """As on hosted runners: the ratio of the second is 20 % higher, and the step is in the code."""
    levels = [100 * (1.2 if i % 2 else 1) * (1.06 if i >= 40 else 1) for i in range(80)]
    _, changes = find(runs(levels, lambda i: NEW if i % 2 else {}))
    assert [facts(change) for change in changes] == [("latency", "slower", "code")]
    assert changes[0].last_good < 40 <= changes[0].first_bad
    assert changes[0].first_bad - changes[0].last_good <= 3


def test_a_step_together_with_torch_is_named_so(find: Find) -> None:
    _, (change,) = find(runs([100] * 30 + [106] * 30, lambda i: {"torch": "2.14.0"} if i >= 30 else {}))
    assert facts(change) == ("latency", "slower", "environment")
    assert change.environment == ("torch 2.13.0 → 2.14.0",)


def test_a_step_far_from_a_new_torch_is_the_codes(find: Find) -> None:
    _, (change,) = find(runs([100] * 30 + [106] * 30, lambda i: {"torch": "2.14.0"} if i >= 45 else {}))
    assert facts(change) == ("latency", "slower", "code")


def test_between_runs_of_one_commit_the_code_did_nothing(find: Find) -> None:
    _, (change,) = find(runs([100] * 30 + [106] * 30, lambda i: {"commit": commit(7)}))
    assert facts(change) == ("latency", "slower", "same commit")


def test_a_changed_tree_of_one_commit_may_have_done_it(find: Find) -> None:
    _, (change,) = find(runs([100] * 30 + [106] * 30, lambda i: {"commit": commit(7), "dirty": i >= 30}))
    assert facts(change) == ("latency", "slower", "code")


def test_faster_is_an_improvement(find: Find) -> None:
    _, (change,) = find(runs([100] * 30 + [95] * 30))
    assert facts(change) == ("latency", "faster", "code")


def test_a_slow_machine_slows_the_reference_too(find: Find) -> None:
    docs = [run_doc(i, [case_doc(reference=timed(100, gemm_s=1e-4 * (1 + (i >= 20))))]) for i in range(40)]
    assert find(docs)[1] == []


def test_twice_the_work_in_twice_the_time_is_slower(find: Find) -> None:
    """The run file's own ratio, to the model's multiply-adds at the product's speed, would not move."""
    docs = []
    for i in range(40):
        block = timed(100 * (1 + (i >= 20)))
        if i >= 20:
            block |= {"macs": 2_000_000, "floor_s": 2 * block["floor_s"], "ratio": block["ratio"] / 2}
            block["ratio_ci99"] = [end / 2 for end in block["ratio_ci99"]]
        docs.append(run_doc(i, [case_doc(reference=block)]))
    assert docs[0]["cases"][0]["reference"]["ratio"] == docs[-1]["cases"][0]["reference"]["ratio"]
    _, (change,) = find(docs)
    assert facts(change) == ("latency", "slower", "code")


def test_another_reference_product_begins_another_series(find: Find) -> None:
    docs = runs([100] * 20) + runs([50] * 40)[20:]
    for doc in docs[20:]:
        doc["cases"][0]["reference"]["gemm_shape"] = [128, 1024, 128]
    _, (change,) = find(docs)
    assert change.cause == "environment"
    assert change.environment == ("product of 64×1024×128, threads 1 → product of 128×1024×128, threads 1",)


def test_another_library_for_the_product_begins_another_series(find: Find) -> None:
    docs = runs([100] * 20) + runs([50] * 40)[20:]
    for doc in docs[20:]:
        doc["cases"][0]["reference"]["route"] = "oneDNN"
    _, (change,) = find(docs)
    before, after = "product of 64×1024×128, threads 1", "product of 64×1024×128 by oneDNN, threads 1"
    assert (change.cause, change.environment) == ("environment", (f"{before} → {after}",))


def test_noisy_runs_are_left_out(find: Find) -> None:
    docs = runs([100] * 60)
    for doc in docs[30:40]:
        case = doc["cases"][0]
        case |= {"reference": timed(150), "noise": noise("noisy")}
    history, changes = find(docs)
    assert changes == []
    assert [point.run for point in history.cases[0].series[0].points if point.noisy] == list(range(30, 40))


def test_a_range_reaches_over_the_runs_that_were_left_out(find: Find) -> None:
    docs = runs([100] * 30 + [110] * 30)
    for doc in docs[28:33]:
        doc["cases"][0]["noise"] = noise("invalid")
    _, (change,) = find(docs)
    assert (change.last_good, change.first_bad) == (27, 33)


def test_every_change_of_an_exact_figure_is_a_change(find: Find) -> None:
    totals = [1000] * 3 + [1001] * 2 + [1000]
    docs = [run_doc(i, [case_doc(params=params(total))]) for i, total in enumerate(totals)]
    _, changes = find(docs)
    found = [
        (c.measure.name, c.last_good, c.first_bad, c.verdict.value) for c in changes if c.measure.name == "parameters"
    ]
    assert found == [("parameters", 2, 3, "worse"), ("parameters", 4, 5, "better")]


def test_an_exact_figure_of_each_machine_is_no_change(find: Find) -> None:
    totals = [1000 + i % 2 + 10 * (i >= 6) for i in range(12)]
    docs = [run_doc(i, [case_doc(params=params(t))], **(NEW if i % 2 else {})) for i, t in enumerate(totals)]
    _, changes = find(docs)
    found = [(c.last_good, c.first_bad, c.cause) for c in changes if c.measure.name == "parameters"]
    assert found == [(0, 1, "environment"), (4, 6, "code"), (5, 7, "code")]


def test_an_exact_figure_all_machines_agree_on_changes_after_the_last_of_them(find: Find) -> None:
    totals = [1000] * 6 + [1010] * 6
    docs = [run_doc(i, [case_doc(params=params(t))], **(NEW if i % 2 else {})) for i, t in enumerate(totals)]
    _, changes = find(docs)
    assert [(c.last_good, c.first_bad, c.cause) for c in changes if c.measure.name == "parameters"] == [(5, 6, "code")]


def test_accuracies_change_when_their_intervals_part(find: Find) -> None:
    values = [60.0] * 3 + [59.0] * 3 + [54.0] * 3
    docs = [run_doc(i, [case_doc(quality=quality(value, 2.5))]) for i, value in enumerate(values)]
    _, changes = find(docs)
    miou = [change for change in changes if change.measure.name == "mIoU"]
    assert [(c.run, c.before, c.after, c.verdict.value) for c in miou] == [(6, 60.0, 54.0, "worse")]


def test_accuracies_that_creep_away_are_compared_with_where_they_began(find: Find) -> None:
    docs = [run_doc(i, [case_doc(quality=quality(60.0 - i, 2.5))]) for i in range(8)]
    _, changes = find(docs)
    assert [c.run for c in changes if c.measure.name == "mIoU"] == [6]
