"""Records by hand, with what a test of the report does not look at filled in."""

from __future__ import annotations

from collections.abc import Mapping

from bench.missing import Missing
from bench.record import CaseRecord, ExecutionRecord, GroupAccuracy, Model, Quality, Workload
from bench.report.content.content import Content, gather
from bench.run import Environment, Hardware, Run, Settings, Software, Suite, Volatile


def trained_case(
    dataset: str,
    *,
    seed: int = 0,
    synthetic: bool,
    r1: Mapping[str, float],
    r5: Mapping[str, float] | Missing,
    by_kind: Mapping[str, GroupAccuracy] | Missing,
    notes: tuple[str, ...] = (),
) -> CaseRecord:
    """A student, trained and evaluated; nothing of its cost was measured."""
    quality = Quality(
        dataset=dataset,
        synthetic=synthetic,
        split="test",
        protocol="timestamp",
        n=100,
        r1=r1,
        r5=r5,
        miou=50.0,
        by_kind=by_kind,
        seeds=(seed,),
        notes=notes,
        source="measured",
    )
    return CaseRecord(
        case_id=f"m|{dataset}|single_stream|s{seed}",
        status="ok",
        model=Model(name="m", base="m", role="student", config_hash="x", weights_kind="trained"),
        workload=Workload(dataset=dataset, scenario="single_stream", batch_size=1),
        execution=ExecutionRecord(device="cpu", dtype="fp32", backend="eager", mode="infer"),
        quality=quality,
    )


def run(*cases: CaseRecord) -> Run:
    """A run of these cases on a machine that does not matter."""
    hardware = Hardware(cpu_model="a CPU", cores_physical=1, cores_logical=1, ram_bytes=2**30, gpus=())
    software = Software(python="3", torch="2", os="an OS", packages={}, packages_hash="")
    env = Environment(
        fingerprint="sha256:0", hardware=hardware, software=software, settings=Settings(), volatile=Volatile()
    )
    suite = Suite(version="0", commit="c", dirty=False, profile="ci", seed=0, argv=())
    return Run(
        schema="emtm-bench/result",
        schema_version="1.0.0",
        run_id="r",
        created_utc="2026-01-01T00:00:00Z",
        suite=suite,
        env=env,
        cases=cases,
    )


def content(*cases: CaseRecord) -> Content:
    """What a report of these cases knows."""
    return gather([run(*cases)], ["run.json"])
