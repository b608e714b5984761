"""A run file that was edited by hand contradicts itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bench.cli.app import main
from bench.consistency import contradictions, read_consistent
from bench.missing import Missing
from bench.record import Exponent, Growth, GrowthPoint, Reuse, ReusePoint, Roof, Roofline
from bench.results import SchemaInvalidError, read_run
from tests.verdict.runs import case, failed, run, scored, written

REFERENCE = Path(__file__).resolve().parents[2] / "reports" / "reference"
RUN_FILES = sorted(path for path in REFERENCE.glob("*.json") if '"emtm-bench/result"' in path.read_text("utf-8")[:200])

Doc = dict[str, Any]


def test_there_are_committed_files() -> None:
    assert len(RUN_FILES) >= 3


@pytest.mark.parametrize("path", RUN_FILES, ids=lambda path: path.name)
def test_committed_files_agree_with_themselves(path: Path) -> None:
    assert list(contradictions(read_run(path))) == []


def test_made_runs_agree_with_themselves() -> None:
    made = run(
        case("a", throughput={1: 90.0, 4: 300.0, 8: 310.0}),
        case("b", scenario="train_step"),
        case("c", "synth-charades", seed=1, quality=scored([0.2, 0.6, 0.9, 0.4], keep=True)),
        failed(case("d")),
    )
    assert list(contradictions(made)) == []


def test_passes_over_queries_of_one_video_agree_with_each_other() -> None:
    def said(*points: ReusePoint) -> list[str]:
        made = run(replace(case("a"), reuse=Reuse(num_threads=1, curve=points)))
        return [line.partition(": reuse.")[2] for line in contradictions(made)]

    one = ReusePoint(queries=1, value=0.02, ci99=(0.01, 0.03), status="ok")
    many = ReusePoint(queries=9, value=Missing("too dear"), status="skipped")
    assert said(one, many) == []
    assert said(many, one) == ["curve is at [9, 1] queries a video: they rise, each once"]
    assert len(said(replace(one, value=0.04))) == len(said(replace(many, status="ok"))) == 1


def test_longer_videos_agree_with_each_other() -> None:
    def said(time: Exponent | Missing, *points: GrowthPoint) -> list[str]:
        made = Growth(num_threads=1, curve=points, fitted_from_clips=256, time=time, macs=time, memory=time)
        found = contradictions(run(replace(case("a"), growth=made)))
        return [line.partition(": growth.")[2] for line in found]

    unknown, short = Missing("one length"), GrowthPoint(clips=8, macs=9, value=0.02, ci99=(0.01, 0.03), status="ok")
    long = GrowthPoint(clips=16, macs=18, value=Missing("too dear"), status="skipped")
    assert said(unknown, short, long) == []
    assert said(unknown, long, short) == ["curve is at [16, 8] clips: they rise, each once"]
    assert len(said(unknown, replace(short, value=0.04))) == len(said(unknown, replace(long, status="ok"))) == 1
    assert len(said(Exponent(value=1.0, ci95=(1.1, 1.2)), short)) == 3


def test_a_roof_agrees_with_itself() -> None:
    roof = Roof(
        measured_s=0.01,
        macs=1,
        moved_bytes=1,
        operators=1,
        compute_s=0.004,
        memory_s=0.005,
        dispatch_s=0.001,
        bound="memory",
        share=0.5,
    )

    def said(**changes: Any) -> list[str]:
        rates = {"macs_per_s": 1.0, "cached_bytes_per_s": 1.0, "streamed_bytes_per_s": 1.0, "operator_s": 1.0}
        made = Roofline(**rates, calls=1, whole=roof, by_stage={"fusion": replace(roof, **changes)})
        found = contradictions(run(replace(case("a"), roofline=made)))
        return [line.partition(": roofline.")[2] for line in found]

    assert said() == []
    assert said(bound="compute", share=0.4) == ["fusion.bound is compute, which is not the longest"]
    assert said(share=0.6) == ["fusion.share is not that of memory_s in measured_s"]


@cache
def small() -> str:
    """The reference run, of every kind of case one."""
    doc = json.loads(next(path for path in RUN_FILES if path.name.startswith("2")).read_text("utf-8"))
    kinds: dict[object, Doc] = {}
    for one in doc["cases"]:
        long = len((one.get("latency") or {}).get("samples", ())) >= 64
        if one["workload"]["scenario"] != "single_stream" or long:
            kinds.setdefault((one["workload"]["scenario"], one.get("quality") is None), one)
    return json.dumps({**doc, "cases": list(kinds.values())})


def reference(edit: Callable[[Doc], None], tmp_path: Path) -> Path:
    """A copy of the small reference run with one thing changed."""
    doc = json.loads(small())
    edit(doc)
    path = tmp_path / "edited.json"
    path.write_text(json.dumps(doc), "utf-8")
    return path


def at(doc: Doc, has: str) -> Doc:
    """The block of the first case that has it."""
    block: Doc = next(case[has] for case in doc["cases"] if case.get(has))
    return block


def trained(doc: Doc) -> Doc:
    quality: Doc = next(case["quality"] for case in doc["cases"] if case.get("quality"))
    return quality


def change(has: str, **values: object) -> Callable[[Doc], None]:
    return lambda doc: at(doc, has).update(values)


def scale(has: str, field: str, factor: float) -> Callable[[Doc], None]:
    def edit(doc: Doc) -> None:
        at(doc, has)[field] *= factor

    return edit


EDITS: dict[str, tuple[Callable[[Doc], None], str]] = {
    "median": (scale("latency", "median", 0.99), "latency.median is"),
    "mean": (scale("latency", "mean", 0.99), "latency.mean is"),
    "minimum": (scale("latency", "min", 0.5), "latency.min is"),
    "outliers": (change("latency", outliers=77), "latency.outliers is"),
    "interval": (change("latency", median_ci99=[1e-9, 1e9]), "latency.median_ci99's low end"),
    "count": (change("latency", n=1000), "latency.n is 1000"),
    "percentile": (scale("latency", "p90", 0.9), "latency.p90 is"),
    "percentile of too few": (change("latency", p99=0.1), "too few samples"),
    "one sample": (lambda doc: at(doc, "latency")["samples"].__setitem__(0, 1e-9), "latency."),
    "negative sample": (lambda doc: at(doc, "latency")["samples"].__setitem__(0, -1.0), "not positive"),
    "ratio": (scale("reference", "ratio", 0.9), "reference.ratio"),
    "measured": (scale("reference", "measured_s", 0.9), "reference.measured_s"),
    "rate of the product": (scale("reference", "gemm_macs_per_s", 2), "reference.gemm_macs_per_s"),
    "drift": (change("noise", reference_drift=1.01), "noise.reference_drift"),
    "hidden noise": (change("noise", steal_pct=40.0), "noise.verdict is quiet"),
    "parameters": (change("params", total=1), "params.total"),
    "multiply-adds": (lambda doc: at(doc, "compute").update(macs=1, flops=2), "add up to compute.macs"),
    "FLOPs": (scale("compute", "flops", 2), "twice compute.macs"),
    "coverage": (lambda doc: at(doc, "compute")["coverage"].update(covered_pct=50.0), "covered_pct"),
    "memory": (change("memory", tensor_peak_bytes=1), "memory.activation_peak_bytes"),
    "throughput": (scale("throughput", "value", 2), "throughput.value"),
    "knee": (change("throughput", knee_batch=1), "throughput.knee_batch"),
    "step": (scale("training", "step_s", 0.5), "training."),
    "pass": (lambda doc: at(doc, "end_to_end")["total"].update(median=0.1), "end_to_end.total.median"),
    "stages of a pass": (
        lambda doc: at(doc, "end_to_end")["samples"]["decode"].__setitem__(0, 0.1),
        "do not add up to its total",
    ),
    "backbone": (scale("backbone", "frames", 2), "backbone.macs"),
    "evaluation": (scale("evaluation", "seconds", 0.5), "evaluation.seconds"),
    "accuracy": (lambda doc: trained(doc)["r1"].update({"0.5": 91.23456}), "quality.r1.0.5"),
    "accuracy in one place": (lambda doc: trained(doc)["r1"].update({"0.5": 81.1}), "once more"),
    "accuracy outside its interval": (lambda doc: trained(doc).update(miou=99.0), "does not contain"),
    "queries": (lambda doc: trained(doc).update(n=999), "quality.queries"),
    "name": (lambda doc: doc["cases"][0].update(case_id="fast|charades-sta|single_stream"), "its name says 'fast'"),
    "clips": (lambda doc: doc["cases"][0]["workload"].update(num_clips=1), "where its fields say 'l1'"),
    "machine": (lambda doc: doc["env"]["hardware"].update(cpu_model="Xeon"), "env.fingerprint"),
    "date": (lambda doc: doc.update(created_utc="2020-01-01T00:00:00Z"), "created_utc"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_file_is_named_with_its_offence(edit: str, tmp_path: Path) -> None:
    change, said = EDITS[edit]
    path = reference(change, tmp_path)
    found = list(contradictions(read_run(path)))
    assert any(said in complaint for complaint in found), found
    with pytest.raises(SchemaInvalidError, match="contradicts itself"):
        read_consistent(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_no_number_that_is_none_passes(number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(run(case()), tmp_path / "run.json")
    text = path.read_text("utf-8")
    path.write_text(text.replace('"median": 0.01', f'"median": {number}'), "utf-8")
    assert number in path.read_text("utf-8")
    assert main(["validate", str(path)]) == 7
    assert "no number that a run file may hold" in capsys.readouterr().err


def test_queries_that_do_not_give_the_accuracy(tmp_path: Path) -> None:
    made = run(case("c", "synth-charades", seed=1, quality=scored([0.2, 0.6, 0.9, 0.4], keep=True)))
    path = written(made, tmp_path / "run.json")
    doc = json.loads(path.read_text("utf-8"))
    doc["cases"][0]["quality"]["per_query"]["iou"][0] = 0.95
    path.write_text(json.dumps(doc), "utf-8")
    assert any("quality.miou" in complaint for complaint in contradictions(read_run(path)))


def test_validate_says_what_it_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(written(run(case()), tmp_path / "run.json"))]) == 0
    assert "holds 1 cases" in capsys.readouterr().out
    assert main(["validate", str(reference(EDITS["median"][0], tmp_path))]) == 7
    assert "contradicts itself" in capsys.readouterr().err
