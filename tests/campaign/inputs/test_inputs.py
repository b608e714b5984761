"""A sample of the campaign's bad inputs, the same ones each time."""

from __future__ import annotations

import pytest

from tests.campaign.inputs.mutations import ARGUMENTS, Mutation
from tests.campaign.inputs.run import SOUND, Bench, Trial, inputs_of
from tests.campaign.inputs.target import Target
from tests.campaign.inputs.targets import TARGETS

_SLOW = ("emtm datasets", "emtm models", "bench.report report", "bench.report selftest", "bench.report ab")
"""They compute for seconds before they look at what is spoiled."""
QUICK = {
    (target.command, target.form): target
    for target in reversed(TARGETS)
    if target.there and target.share == 1 and target.form != ARGUMENTS and target.command not in _SLOW
}
"""One target for every form that a command reads."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("campaign"))


def check(bench: Bench, target: Target, number: int) -> None:
    trials: list[Trial] = []

    def use(mutation: Mutation) -> None:
        trials.append(bench.tried(target, mutation))

    inputs_of(bench.ways(target), number, 1, use)
    assert len(trials) == number
    assert [(trial.mutation, trial.faults) for trial in trials if trial.faults] == []


@pytest.mark.parametrize("target", QUICK.values(), ids=lambda target: target.name)
def test_a_result_or_a_sentence(target: Target, bench: Bench) -> None:
    check(bench, target, 1)


@pytest.mark.slow
@pytest.mark.parametrize("target", [target for target in TARGETS if target.there], ids=lambda target: target.name)
def test_every_command_and_file(target: Target, bench: Bench) -> None:
    sound = bench.tried(target, SOUND)
    assert not target.sound or (sound.faults, sound.end) == ((), "result"), sound.outcome
    check(bench, target, 2)


def test_every_command_is_tried() -> None:
    from bench.cli.app import app as reports
    from emtm.cli import app as commands

    named = {
        f"{module} {command.name or command.callback.__name__.replace('_', '-')}"
        for module, program in (("emtm", commands), ("bench.report", reports))
        for command in program.registered_commands
    }
    assert {target.command for target in TARGETS} == named | {"bench.count"}
