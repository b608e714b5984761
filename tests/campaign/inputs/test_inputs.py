"""A sample of the campaign's bad inputs, the same ones each time."""

from __future__ import annotations

import pytest

from tests.campaign.inputs.mutations import Mutation
from tests.campaign.inputs.run import SOUND, Bench, Trial, inputs_of
from tests.campaign.inputs.target import Target
from tests.campaign.inputs.targets import TARGETS


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("campaign"))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_result_or_a_sentence(target: Target, bench: Bench) -> None:
    trials: list[Trial] = []

    def use(mutation: Mutation) -> None:
        trials.append(bench.tried(target, mutation))

    inputs_of(bench.content(target), target.form, 2, 0, use)
    assert [(trial.mutation, trial.faults) for trial in trials if trial.faults] == []


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_sound_files_give_a_result(target: Target, bench: Bench) -> None:
    trial = bench.tried(target, SOUND)
    assert (trial.faults, trial.end) == ((), "result"), trial.outcome
