"""Files for github-action-benchmark, under the rules of its own code."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.export.format import Rendering
from bench.run import Run
from emtm.errors import UserError
from tests.export.conftest import NOISY, PLAIN, rendered, with_macs

Entry = dict[str, Any]


def entries(rendering: Rendering, kind: str) -> dict[str, Entry]:
    found: list[Entry] = json.loads(rendering.files[f"gab-{kind}.json"])
    return {entry["name"]: entry for entry in found}


def alarms(before: dict[str, Entry], after: dict[str, Entry], threshold: float) -> list[str]:
    """What `customSmallerIsBetter` reports: the ratio of values above the threshold."""
    return [name for name, entry in after.items() if entry["value"] / before[name]["value"] > threshold]


def name_of(case_id: str, key: str) -> str:
    return f"{case_id.replace('|', '/')}/{key}"


def test_direction_is_a_matter_of_the_file(example: Run) -> None:
    found = rendered("gab", example)
    keys = {kind: {name.rpartition("/")[2] for name in entries(found, kind)} for kind in ("smaller", "bigger", "exact")}
    assert keys == {
        "smaller": {"latency", "latency_ratio", "training_step", "peak_memory"},
        "bigger": {"throughput", "miou", "r1_iou03", "r1_iou05", "r1_iou07"},
        "exact": {"params", "params-inverse", "macs", "macs-inverse"},
    }


def test_units_are_fixed_and_ranges_are_numbers(example: Run) -> None:
    entry = entries(rendered("gab", example), "smaller")[name_of(PLAIN, "latency")]
    assert (entry["value"], entry["unit"], entry["range"]) == (6.057, "ms", "± 0.087")
    for kind in ("smaller", "bigger", "exact"):
        for entry in entries(rendered("gab", example), kind).values():
            assert set(entry) <= {"name", "value", "unit", "range", "extra"}
            assert re.fullmatch(r"± \d+(\.\d+)?(e[+-]?\d+)?", entry.get("range", "± 0"))
            assert entry["value"] > 0


@pytest.mark.parametrize("macs", [52_300_001, 52_299_999, 1, 10**12])
def test_any_change_of_a_count_alarms(example: Run, macs: int) -> None:
    before = entries(rendered("gab", with_macs(example, 52_300_000)), "exact")
    after = entries(rendered("gab", with_macs(example, macs)), "exact")
    key = "macs" if macs > 52_300_000 else "macs-inverse"
    assert {name.rpartition("/")[2] for name in alarms(before, after, 1.0)} == {key}
    assert alarms(before, before, 1.0) == []


def test_a_noisy_time_is_not_there(example: Run) -> None:
    names = set(entries(rendered("gab", example), "smaller"))
    assert name_of(NOISY, "latency") not in names
    assert name_of(NOISY, "peak_memory") in names


def test_generated_data_are_called_so(example: Run) -> None:
    for name, entry in entries(rendered("gab", example), "bigger").items():
        assert ("synthetic data" in entry["extra"]) == (not name.endswith("throughput"))


def test_a_file_without_figures_goes(example: Run, tmp_path: Path) -> None:
    training = replace(example, cases=tuple(c for c in example.cases if c.workload.scenario == "train_step"))
    found = rendered("gab", training)
    assert set(found.files) == {"gab-smaller.json"}
    assert set(found.removed) == {"gab-bigger.json", "gab-exact.json"}


def test_a_run_without_figures_is_refused(example: Run) -> None:
    with pytest.raises(UserError, match="holds no figure"):
        rendered("gab", replace(example, cases=()))
