"""Runs of different machines, and of one machine with other software."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.compare import machines
from bench.compare.comparison import compare
from bench.run import Gpu, Run
from bench.verdict import Verdict
from tests.verdict.runs import case, run

HERE = run(case("a"), case("b"))


def other(**hardware: object) -> Run:
    return replace(HERE, env=replace(HERE.env, hardware=replace(HERE.env.hardware, **hardware)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("hardware", "said"),
    [
        ({"cpu_model": "Xeon"}, "cpu model AMD EPYC → Xeon"),
        ({"cores_logical": 64}, "cores logical 2 → 64"),
        ({"ram_bytes": 50_000_000_000}, "memory 23 GiB → 47 GiB"),
        ({"gpus": (Gpu(name="H100", vram_bytes=80),)}, "graphics none → H100 (80 B)"),
    ],
)
def test_times_of_another_machine_are_refused_and_counts_compared(hardware: dict[str, object], said: str) -> None:
    found = compare(HERE, other(**hardware))
    assert found.hardware == (said,)
    assert {f.verdict for f in found.findings if f.kind == "timing"} == {Verdict.REFUSED}
    assert {f.verdict for f in found.findings if f.kind == "exact"} == {Verdict.SAME}
    assert (found.exit_code(), found.exit_code(soft=True)) == (5, 0)
    assert found.resolutions == ()


def test_a_worse_count_outranks_the_machine() -> None:
    strange = other(cpu_model="Xeon")
    found = compare(HERE, replace(strange, cases=(case("a", params=2_000_000), case("b"))))
    assert found.exit_code() == found.exit_code(soft=True) == 3


def test_a_kernel_that_keeps_some_memory_is_the_same_machine() -> None:
    assert machines.hardware(HERE, other(ram_bytes=24_900_000_000)) == ()


def test_across_machines_times_are_compared_when_asked() -> None:
    found = compare(HERE, other(cpu_model="Xeon"), across_machines=True)
    assert found.across_machines
    assert {f.verdict for f in found.findings if f.kind == "timing"} == {Verdict.SAME}
    assert found.exit_code() == 0


def test_across_machines_on_one_machine_changes_nothing() -> None:
    assert not compare(HERE, HERE, across_machines=True).across_machines


def test_another_torch_is_named_and_compared() -> None:
    found = compare(HERE, run(case("a"), case("b"), torch="2.14.0"))
    assert found.software == ("torch 2.13.0 → 2.14.0",)
    assert found.hardware == ()
    assert found.exit_code() == 0


def test_settings_packages_and_profiles_are_named() -> None:
    env = HERE.env
    changed = replace(
        HERE,
        suite=replace(HERE.suite, profile="smoke"),
        env=replace(
            env,
            software=replace(env.software, packages={"scipy": "1.17"}),
            settings=replace(env.settings, num_threads=1),
        ),
    )
    assert machines.software(HERE, changed) == (
        "numpy 2.4.6 → none",
        "scipy none → 1.17",
        "num threads 2 → 1",
        "profile ci → smoke",
    )


def test_other_vector_units_are_another_machine() -> None:
    runs = [
        replace(HERE, env=replace(HERE.env, software=replace(HERE.env.software, cpu_capability=name)))
        for name in ("AVX512", "AVX2")
    ]
    assert machines.hardware(*runs) == ("cpu capability AVX512 → AVX2",)
    assert machines.software(*runs) == ()
