"""What holds for any two runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.compare.comparison import Comparison, compare
from bench.compare.document import document
from bench.compare.markdown import markdown
from bench.consistency import contradictions
from bench.record import CaseRecord
from bench.run import Run
from bench.verdict import Verdict
from tests.verdict.runs import case, failed, run, scored

NAMES = ("a", "b", "c", "d", "e", "f", "g", "h")


@st.composite
def cases(draw: st.DrawFn, name: str) -> CaseRecord:
    """A sound, noisy or failed case; few values, so that two runs often agree in some."""
    noise: Literal["quiet", "noisy"] = draw(st.sampled_from(("quiet", "quiet", "quiet", "noisy")))
    quality = None
    if draw(st.booleans()):
        quality = scored([0.9] * draw(st.integers(60, 90)) + [0.2] * 30, spread=draw(st.sampled_from((0.3, 3.0))))
    made = case(
        name,
        draw(st.sampled_from(("tacos", "charades-sta"))),
        seconds=draw(st.sampled_from((0.01, 0.0102, 0.011, 0.015, 0.03))),
        width=draw(st.sampled_from((0.001, 0.3))),
        macs=draw(st.sampled_from((1000, 1001))),
        params=draw(st.sampled_from((10, 11))),
        costed=draw(st.sampled_from((99, 100))),
        throughput=draw(st.sampled_from((None, {1: 100.0, 4: 300.0}, {1: 80.0, 4: 90.0, 8: 400.0}))),
        noise=noise,
        seed=0 if quality else None,
        **({"quality": quality} if quality else {}),
    )
    status = draw(st.sampled_from(("ok", "ok", "ok", "failed", "skipped")))
    return made if status == "ok" else failed(made, status)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    made = [draw(cases(name)) for name in names]
    cpu, torch = draw(st.sampled_from((("EPYC", "2.13"), ("EPYC", "2.14"), ("Xeon", "2.13"))))
    return run(*made, cpu=cpu, torch=torch)


def by_figure(found: Comparison) -> dict[tuple[str, str], Verdict]:
    return {(finding.case_id, finding.figure): finding.verdict for finding in found.findings}


ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ANY
@given(runs())
def test_a_run_against_itself_is_the_same(one: Run) -> None:
    found = compare(one, one)
    assert found.verdict is Verdict.SAME
    assert found.exit_code() == 0
    assert set(found.counts) == {Verdict.SAME}


@ANY
@given(runs(), runs(), st.booleans())
def test_exchanging_base_and_head_mirrors_every_verdict(base: Run, head: Run, across: bool) -> None:
    forth = by_figure(compare(base, head, across_machines=across))
    back = by_figure(compare(head, base, across_machines=across))
    assert back == {key: verdict.mirrored for key, verdict in forth.items()}


@ANY
@given(runs(), runs())
def test_every_case_of_both_is_spoken_of_once(base: Run, head: Run) -> None:
    found = compare(base, head)
    named = [finding.case_id for finding in found.findings if finding.kind == "case"]
    assert sorted(named) == sorted({one.case_id for one in (*base.cases, *head.cases)})
    assert len(by_figure(found)) == len(found.findings)


@ANY
@given(runs(), runs())
def test_nothing_noisy_or_of_another_machine_is_called(base: Run, head: Run) -> None:
    found = compare(base, head)
    noisy = {one.case_id for one in (*base.cases, *head.cases) if getattr(one.noise, "verdict", "") == "noisy"}
    called = [f for f in found.findings if f.verdict in (Verdict.SLOWER, Verdict.FASTER)]
    assert not called or not found.hardware
    assert not {finding.case_id for finding in called} & noisy


@ANY
@given(runs(), runs())
def test_every_form_can_be_written(base: Run, head: Run) -> None:
    found = compare(base, head)
    doc = json.loads(json.dumps(document(found, found.exit_code()), allow_nan=False))
    assert doc["verdict"] == found.verdict.value
    assert markdown(found).startswith(f"**{found.verdict.value.upper()}**: ")


@ANY
@given(runs(), runs(), st.randoms(use_true_random=False))
def test_the_order_of_the_cases_does_not_matter(base: Run, head: Run, random: object) -> None:
    def mixed(found: Run) -> Run:
        order: list[CaseRecord] = list(found.cases)
        random.shuffle(order)  # type: ignore[attr-defined]
        return replace(found, cases=tuple(order))

    assert by_figure(compare(base, head)) == by_figure(compare(mixed(base), mixed(head)))


@ANY
@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=8))
def test_made_runs_agree_with_themselves(seconds: Sequence[float]) -> None:
    made = run(*(case(name, seconds=value, width=0.2) for name, value in zip(NAMES, seconds, strict=False)))
    assert list(contradictions(made)) == []
