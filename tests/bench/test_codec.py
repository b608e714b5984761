"""Run files come back as they were, and what is missing says why."""

import dataclasses
import json
import math
import random
from pathlib import Path

import numpy as np
import pytest

from bench.codec import MalformedError, decode, encode
from bench.missing import ABSENT, Json, Missing, known, of
from bench.record import CaseRecord, Energy, Latency, Noise
from bench.run import Run

ROOT = Path(__file__).parents[2]
FILES = [
    path
    for path in (*sorted((ROOT / "reports" / "reference").glob("*.json")), ROOT / "tests/report/example_run.json")
    if '"emtm-bench/result"' in path.read_text("utf-8")[:200]
]
LATENCY: dict[str, Json] = {
    "unit": "s",
    "clock": "perf_counter_ns",
    "warmup": 3,
    "n": 11,
    "median": 0.5,
    "median_ci99": [0.4, 0.6],
    "mean": 0.5,
    "iqr": 0.1,
    "min": 0.4,
    "samples": [0.4, 0.5, 0.6],
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_committed_run_is_written_back_byte_for_byte(path: Path) -> None:
    text = path.read_text("utf-8")
    doc = json.loads(text)
    again = json.dumps(encode(decode(Run, doc)), indent=1) + "\n"
    assert again == json.dumps(doc, indent=1) + "\n"
    if path.parent.name == "reference":
        assert again == text


def test_a_null_keeps_its_reason() -> None:
    latency = decode(Latency, {**LATENCY, "p99": None, "p99_reason": "n=11 < 662"})
    assert latency.p99 == Missing("n=11 < 662")
    assert latency.p95 == ABSENT
    assert latency.median_ci99 == (0.4, 0.6)


def test_a_value_that_is_absent_takes_the_nearest_reason() -> None:
    case = _case(status="failed", reason="out of memory", energy={"joules_per_query": None, "source": "none"})
    assert known(of(case.latency, lambda latency: latency.median)) is None
    assert of(case.latency, lambda latency: latency.median) == Missing("out of memory", "not at all")
    assert of(case.energy, lambda energy: energy.joules_per_query) == Missing("out of memory", "bare")
    assert of(_case(latency=None, latency_reason="too dear").latency, lambda latency: latency.p99) == Missing(
        "too dear"
    )


def test_a_new_record_is_written_in_the_order_of_its_fields() -> None:
    energy = Energy(joules_per_query=Missing("no counter"), source="none")
    assert json.dumps(encode(energy)) == (
        '{"joules_per_query": null, "joules_per_query_reason": "no counter", "source": "none"}'
    )


def test_what_is_not_finite_is_missing() -> None:
    assert encode(Noise(verdict="quiet", reference_drift=float("nan"))) == {
        "reference_drift": None,
        "reference_drift_reason": "not a finite number",
        "verdict": "quiet",
    }


@pytest.mark.parametrize(
    ("stages", "error"),
    [({"fusion": math.nan}, ValueError), ({1: 0.5}, TypeError), ({"fusion": object()}, TypeError)],
)
def test_what_json_cannot_hold_is_refused(stages: dict[str, float], error: type[Exception]) -> None:
    latency = dataclasses.replace(decode(Latency, LATENCY), by_stage=stages)
    with pytest.raises(error, match="in a run file"):
        encode(latency)


def test_numpy_scalars_become_plain() -> None:
    latency = dataclasses.replace(
        decode(Latency, LATENCY),
        n=np.int64(3),
        mean=np.float32(0.5),
        p90=np.float32("inf"),
        by_stage={"a": np.float64(1)},
    )
    plain = json.loads(json.dumps(encode(latency), allow_nan=False))
    assert (plain["n"], plain["p90"], plain["by_stage"]) == (3, None, {"a": 1.0})
    assert plain["p90_reason"] == "not a finite number"


def test_unknown_keys_stay_where_they_are() -> None:
    doc: dict[str, Json] = {"later": {"x": None}, "verdict": "quiet", "nvcsw_reason": "odd", "nvcsw": 3}
    assert list(encode(decode(Noise, doc)).items()) == list(doc.items())


@pytest.mark.parametrize(
    ("change", "offence"),
    [
        ({"n": "many"}, "n is 'many', which is not of its type"),
        ({"n": True}, "n is True, which"),
        ({"median_ci99": [1.0]}, "median_ci99 has 1 items, not 2"),
        ({"samples": [0.1, "x"]}, r"samples\[1\] is 'x'"),
        ({"median": None}, "median is null"),
        ({"by_stage": [1]}, "by_stage is a list"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(change: dict[str, Json], offence: str) -> None:
    with pytest.raises(MalformedError, match=offence):
        decode(Latency, {**LATENCY, **change})


MODEL: dict[str, Json] = {"name": "a", "base": "a", "role": "student", "config_hash": "c", "weights_kind": "random"}


def _case(**blocks: Json) -> CaseRecord:
    case: dict[str, Json] = {
        "case_id": "a",
        "status": "ok",
        "model": MODEL,
        "workload": {"dataset": "tacos", "scenario": "single_stream", "batch_size": 1},
        "execution": {"device": "cpu", "dtype": "float32", "backend": "eager", "mode": "infer"},
    }
    return decode(CaseRecord, case | blocks)


def _shuffled(block: dict[str, Json], seed: random.Random) -> dict[str, Json]:
    """The same keys in another order, and now and then one that no version knows."""
    items = list(block.items())
    if seed.random() < 0.5:
        items.append((f"new{seed.randrange(100)}", seed.choice([1, "x", None, [1, 2], {"a": None}])))
    seed.shuffle(items)
    return dict(items)


@pytest.mark.parametrize("number", range(30))
def test_any_order_and_any_addition_survives(number: int) -> None:
    seed = random.Random(number)
    doc = json.loads(FILES[-1].read_text("utf-8"))
    for case in doc["cases"]:
        for block in ("latency", "memory", "energy"):
            if seed.random() < 0.2:
                case[block], case[f"{block}_reason"] = None, "left out"
            elif case.get(block):
                case[block] = _shuffled(case[block], seed)
    doc["cases"] = [_shuffled(case, seed) for case in doc["cases"]]
    assert json.dumps(encode(decode(Run, doc))) == json.dumps(doc)
