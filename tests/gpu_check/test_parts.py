"""The rows of every part, made on the CPU at small sizes, and what is read from them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.codec import decode, encode
from bench.gpu_check import parity, session, speed, study
from bench.gpu_check import training as steps
from bench.gpu_check.energy import ENERGY
from bench.gpu_check.parity import PARITY, deviation, sound
from bench.gpu_check.plan import Plan, make_plan
from bench.gpu_check.speed import SPEED
from bench.gpu_check.study import STUDY
from bench.gpu_check.training import TRAINING, finite_losses
from bench.gpu_record import EnergyRow, OutputDeviation, ParityRow, SpeedRow, StepRow, StudyRow
from bench.instruments import energy
from bench.missing import Missing
from bench.record import Energy
from emtm.contract import AnyModel
from emtm.data.batch import Batch
from emtm.data.benchmarks import BENCHMARKS
from emtm.errors import UserError
from emtm.registry import model_names, preset
from emtm.student import EMTMStudent

MODELS = ("emtm-student", "seqpan")


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return make_plan("cpu", MODELS, tmp_path_factory.mktemp("check"))


def test_all_models_are_checked_and_students_come_first(tmp_path: Path) -> None:
    found = make_plan("cpu", (), tmp_path).models
    assert set(found) == set(model_names())
    assert found[:2] == ("emtm", "emtm-student")
    assert found[2] == "seqpan"


def test_a_card_is_checked_at_paper_size(tmp_path: Path) -> None:
    plan = Plan("cuda", ("cca",), tmp_path, 1)
    assert plan.batch_size == 16
    subject = plan.subject("vslnet")
    assert (subject.dataset, subject.config, subject.shape.num_clips) == (
        "charades-sta",
        preset("vslnet", "charades-sta").config,
        128,
    )
    assert plan.subject("cca").dataset == "activitynet-captions"  # it has no configuration for the first


def test_what_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown model 'seqpam': did you mean 'seqpan'"):
        make_plan("cpu", ("seqpam",), tmp_path)
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="no graphics card that torch can use"):
            make_plan("cuda", (), tmp_path)


@pytest.mark.parametrize(
    ("reference", "found", "expected"),
    [
        ([1.0, -0.5], [1.0, -0.25], 0.25),
        ([100.0, 0.0], [101.0, 0.0], 0.01),  # of 100
        ([-torch.inf, 1.0], [-torch.inf, 1.0], 0.0),
        ([torch.nan, 1.0], [torch.nan, 1.5], 0.5),
        ([1.0, 1.0], [1.0, torch.nan], Missing("one side alone is not finite")),
        ([1.0, 1.0], [1.0, torch.inf], Missing("one side alone is not finite")),
        ([1.0, 1.0], [1.0], Missing("the shapes are [2] and [1]")),
        ([], [], 0.0),
    ],
)
def test_deviations(reference: list[float], found: list[float], expected: object) -> None:
    assert deviation(torch.tensor(reference), torch.tensor(found)) == expected


def test_a_device_that_agrees(plan: Plan) -> None:
    row = PARITY.row(plan, "emtm-student")
    assert isinstance(row, ParityRow) and sound(row)
    names = [output.output for output in row.outputs]
    assert names[0] == "output[0]" and names[-2:] == ["span_distribution", "moments"]
    assert "1 of 1 models agree" in PARITY.told([row])
    assert decode(ParityRow, json.loads(json.dumps(encode(row)))) == row


def test_a_device_that_computes_otherwise(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(model: nn.Module, device: str) -> nn.Module:
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01)
        return model

    monkeypatch.setattr(EMTMStudent, "to", moved)
    row = PARITY.row(plan, "emtm-student")
    assert isinstance(row, ParityRow) and not sound(row)
    assert PARITY.told([row]).startswith("0 of 1 models agree")


def test_an_output_that_cannot_be_compared_is_unsound() -> None:
    bad = OutputDeviation(output="moments", deviation=Missing("one side alone is not finite"))
    good = OutputDeviation(output="span_distribution", deviation=1e-4)
    row = ParityRow(model="m", dataset="d", tolerance=1e-4, outputs=(good, bad))
    assert sound(dataclasses.replace(row, outputs=(good,))) and not sound(row)


def test_both_videos_of_the_batch_are_real_and_one_is_shorter(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = list[Tensor]()
    outputs = parity._outputs

    def noting(model: AnyModel, batch: Batch) -> list[tuple[str, Tensor]]:
        masks.append(batch.video_mask)
        return outputs(model, batch)

    monkeypatch.setattr(parity, "_outputs", noting)
    PARITY.row(plan, "emtm-student")
    assert [mask.sum(1).tolist() for mask in masks] == [[16, 12]] * 2


def test_speed_in_both_precisions_and_compiled(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SPEED.items(plan) == ["emtm-student fp32", "seqpan fp32", "emtm-student bf16", "seqpan bf16"]
    compiled = list[nn.Module]()

    def compile_nothing(module: nn.Module) -> nn.Module:
        compiled.append(module)
        return module

    monkeypatch.setattr(torch, "compile", compile_nothing)
    rows = [SPEED.row(plan, f"emtm-student {way}") for way in speed.WAYS]
    assert all(isinstance(row, SpeedRow) for row in rows)
    found: list[Any] = rows
    assert [(row.dtype, row.backend) for row in found] == [
        ("float32", "eager"),
        ("bfloat16", "eager"),
        ("float32", "compiled"),
    ]
    assert len(compiled) == 1
    assert found[0].span_deviation == 0.0 and found[2].span_deviation < 1e-5
    assert 1e-6 < found[1].span_deviation < 0.1  # bfloat16 did compute
    assert found[0].event_s == Missing("a CPU has no CUDA events")
    assert found[0].allocated_bytes == found[0].process_bytes == Missing("ran on the CPU")
    assert "1 models timed in float32, 1 in bfloat16, 1 compiled" in SPEED.told(rows)


def test_energy_is_what_the_counter_shows(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "_counter", lambda device: ("no counter here", None))
    row = ENERGY.row(plan, "emtm-student")
    assert isinstance(row, EnergyRow) and row.energy.joules_per_query == Missing("no counter here")
    assert ENERGY.told([row, row]) == "no counter here"
    measured = [
        EnergyRow(model=name, dataset="d", energy=Energy(joules_per_query=joules, source="nvml"))
        for name, joules in (("a", 0.5), ("b", 0.25))
    ]
    assert ENERGY.told([*measured, row]) == "2 of 3 models by nvml; 0.25 J (b) to 0.5 J (a) a query above rest"


def test_training_steps(plan: Plan) -> None:
    row = TRAINING.row(plan, "emtm-student")
    assert isinstance(row, StepRow) and finite_losses(row)
    assert isinstance(row.losses, tuple) and len(row.losses) == steps._STEPS and len(set(row.losses)) > 1
    assert row.step_s > 0 and row.batch_size == 2
    broken = dataclasses.replace(row, losses=(1.0, float("nan")))
    again = decode(StepRow, json.loads(json.dumps(encode(broken))))
    assert again.losses == Missing("not a finite number") and not finite_losses(again) and not finite_losses(broken)
    assert TRAINING.told([row, broken]).startswith("1 of 2 models have finite losses")


def test_a_study_is_timed_step_by_step_and_extrapolated(tmp_path: Path) -> None:
    plan = make_plan("cpu", ("emtm-student", "emtm", "seqpan", "vslnet"), tmp_path)
    items = STUDY.items(plan)
    assert items == [
        "teacher seqpan",
        "labels",
        "student student-alone",
        "student full",
        "student no-distillation",
    ]
    found = [STUDY.row(plan, item) for item in items[:4]]
    rows = [row for row in found if isinstance(row, StudyRow)]
    assert len(rows) == 4
    teacher, labels, alone, full = rows
    planned = BENCHMARKS["charades-sta"].counts
    train, test = planned["train"][0].queries, planned["test"][0].queries
    kinds = ((teacher, "seqpan", "wide", 1), (alone, "emtm-student", "compact", 5), (full, "emtm", "compact", 5))
    for row, model, which, times in kinds:
        epochs = preset(model, "charades-sta", which).recipe.epochs
        assert (row.epochs, row.planned_epochs, row.planned_queries, row.planned_times) == (2, epochs, train, times)
        assert isinstance(row.epoch_s, float)
        scaled = epochs * row.epoch_s * train / 10
        assert scaled * times <= row.planned_s <= (scaled + row.seconds) * times
    assert labels.planned_s == pytest.approx(labels.seconds * (train + test) / 10)
    assert study.hours(plan, rows) == Missing("4 of 5 steps of the study were timed")
    last = dataclasses.replace(full, step="student no-distillation", planned_s=3600.0)
    assert study.hours(plan, [*rows, last]) == pytest.approx(sum(row.planned_s for row in rows) / 3600 + 1)
    assert "second of 2 epochs" in study.basis(plan) and "8 train, 2 val, 2 test" in study.basis(plan)


def test_a_study_needs_its_models(tmp_path: Path) -> None:
    plan = make_plan("cpu", ("vslnet",), tmp_path)
    assert STUDY.items(plan) == []
    assert study.hours(plan, []) == Missing("0 of 0 steps of the study were timed")


def test_the_session_is_of_single_queries_and_steps(plan: Plan, tmp_path: Path) -> None:
    lab = session.make_lab(plan, tmp_path, ("python",), budget_s=100.0)
    assert lab.profile.patience_s == 50 * session.SHARE
    assert [case.case_id for case in lab.matrix.cases] == [
        f"{model}|charades-sta|{kind}|l16"
        for model in MODELS
        for kind in ("single_stream|cpu|fp32|eager|t1|b1", "train_step|cpu|fp32|eager|t2|b2")
    ]
    done, planned = session.measure(lab, tmp_path, ends=0.0)
    assert (done, lab.records) == (0, {}) and planned > len(lab.matrix.cases)
