"""EMTM: what exists in training, what is left at inference, where gradients go."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from emtm.data.batch import Batch
from emtm.data.text import Lexicon
from emtm.distillation.model import EMTM, EMTMConfig
from emtm.registry import model_class
from tests.models.helpers import SMALL, paper_model, ragged_batch, small_model

PARAMETERS = {
    "charades-sta": (36, 673_650, 907_270, 35_238),
    "activitynet-captions": (55, 684_766, 911_878, 36_390),
    "tacos": (45, 706_502, 931_846, 41_382),
}


def taught_batch(teachers: int = 3) -> Batch:
    batch = ragged_batch([20, 7, 13], [9, 3, 6])
    soft = torch.rand(3, teachers, 2, 20, generator=torch.Generator().manual_seed(3))
    soft = soft * batch.video_mask[:, None, None]
    targets = dataclasses.replace(batch.truth(), soft_labels=soft / soft.sum(3, keepdim=True))
    return dataclasses.replace(batch, targets=targets)


def training(teachers: int = 3, **settings: Any) -> EMTM:
    model = small_model("emtm", **settings)
    assert isinstance(model, EMTM)
    model.prepare_training(teachers)
    return model.train()


@pytest.mark.parametrize("dataset", PARAMETERS)
def test_parameters_are_the_published_ones(dataset: str) -> None:
    chars, student, isomorphic, aggregation = PARAMETERS[dataset]

    def count(module: torch.nn.Module | None) -> int:
        assert module is not None
        return sum(p.numel() for p in module.parameters())

    model = paper_model("emtm", dataset, chars)
    assert isinstance(model, EMTM)
    assert count(model) == student == count(paper_model("emtm-student", dataset, chars))
    model.prepare_training(3)
    assert (count(model.isomorphic), count(model.aggregation)) == (isomorphic, aggregation)


def test_inference_is_the_student_to_the_bit() -> None:
    """Trained weights without branches load into the plain student, which predicts the same."""
    taught = training()
    student = small_model("emtm-student")
    student.load_state_dict(taught.inference_state())
    batch = taught_batch()
    taught.eval()
    with torch.no_grad():
        output = taught(batch)
        assert output.isomorphic is None
        assert output.teacher_weights is None
        torch.testing.assert_close(
            taught.span_distribution(output), student.span_distribution(student(batch)), rtol=0, atol=0
        )


def test_same_seed_gives_the_student_s_initial_weights() -> None:
    """What makes the comparison with the student alone a paired one."""
    torch.manual_seed(5)
    kind = model_class("emtm-student")
    lexicon = small_model("emtm").lexicon_size
    words = Lexicon(torch.zeros(lexicon[0] - 2, 12), lexicon[1])
    sizes = {**SMALL, "char_dim": 6}
    torch.manual_seed(5)
    alone = kind(kind.config_class(**sizes), words)
    torch.manual_seed(5)
    taught = EMTM(EMTMConfig(**sizes), words)
    taught.prepare_training(2)
    for name, value in alone.state_dict().items():
        assert torch.equal(value, taught.inference_state()[name])


def reached(model: EMTM, term: str) -> set[str]:
    """Top-level parts that a term of the loss sends a gradient to."""
    batch = taught_batch()
    model.zero_grad()
    model.loss(model(batch), batch).terms[term].backward()
    return {n.split(".")[0] for n, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


def test_gradients_reach_what_the_method_says() -> None:
    assert reached(training(), "student") == {"encoder", "head"}
    assert reached(training(), "isomorphic") == {"encoder", "isomorphic"}
    assert reached(training(), "aggregation") == {"encoder", "aggregation"}
    assert reached(training(), "soft") == {"encoder", "head"}


def test_published_distillation_is_not_detached() -> None:
    model = training(objective="official").double()
    batch = taught_batch()
    targets = batch.truth()
    assert targets.soft_labels is not None
    targets = dataclasses.replace(targets, soft_labels=targets.soft_labels.double())
    batch = dataclasses.replace(batch, video=batch.video.double(), targets=targets)
    losses = model.loss(model(batch), batch)
    losses.terms["soft"].backward()
    assert model.aggregation is not None
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.aggregation.parameters())


def total(**settings: Any) -> tuple[Tensor, dict[str, Tensor]]:
    torch.manual_seed(0)
    model, batch = training(**settings), taught_batch()
    losses = model.loss(model(batch), batch)
    return losses.total.detach(), {k: v.detach() for k, v in losses.terms.items()}


def test_total_is_the_sum_of_its_terms() -> None:
    value, terms = total(hidden_weight=0.5)
    assert set(terms) == {"student", "isomorphic", "hidden", "aggregation", "soft"}
    torch.testing.assert_close(value, torch.stack(list(terms.values())).sum())


def test_published_total_counts_hard_terms_once_a_sample() -> None:
    value, terms = total(objective="official")
    hard = terms["student"] + terms["isomorphic"] + terms["aggregation"]
    torch.testing.assert_close(value, 3 * hard + 3 * terms["soft"])


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        ({"soft_weight": 0.0}, {"student", "isomorphic"}),
        ({"isomorphic_weight": 0.0}, {"student", "aggregation", "soft"}),
        ({"aggregation": "uniform"}, {"student", "isomorphic", "soft"}),
        ({"aggregation": "uniform", "isomorphic_weight": 0.0, "soft_weight": 0.0}, {"student"}),
    ],
)
def test_each_part_can_be_left_out(settings: dict[str, object], terms: set[str]) -> None:
    assert set(total(**settings)[1]) == terms


def test_without_any_part_it_is_the_student_alone() -> None:
    value, _ = total(aggregation="uniform", isomorphic_weight=0.0, soft_weight=0.0)
    student, batch = small_model("emtm-student"), taught_batch()
    torch.testing.assert_close(value, student.loss(student(batch), batch).total.detach())


@pytest.mark.parametrize("teachers", [1, 2, 4])
def test_any_number_of_teachers(teachers: int) -> None:
    model, batch = training(teachers), taught_batch(teachers)
    output = model(batch)
    assert output.teacher_weights.shape == (3, teachers, 2)
    assert torch.isfinite(model.loss(output, batch).total)


def test_distillation_can_rise_over_training() -> None:
    def soft(ramp: float, fraction: float) -> float:
        model, batch = training(soft_ramp=ramp), taught_batch()
        model.on_progress(fraction)
        torch.manual_seed(0)
        losses = model.loss(model(batch), batch)
        torch.testing.assert_close(losses.total, torch.stack(list(losses.terms.values())).sum())
        return float(losses.terms["soft"])

    whole = soft(0.0, 0.0)
    assert whole > 0
    shares = [soft(0.4, fraction) / whole for fraction in (0.0, 0.1, 0.4, 0.9)]
    assert shares == pytest.approx([0.0, 0.25, 1.0, 1.0])


def unit_gradient(aggregation: str, **targets: Tensor) -> float:
    """Norm of the gradient of the unit's likelihood on the unit."""
    model, batch = training(aggregation=aggregation), taught_batch()
    batch = dataclasses.replace(batch, targets=dataclasses.replace(batch.truth(), **targets))
    model.zero_grad()
    model.loss(model(batch), batch).terms["aggregation"].backward()
    assert model.aggregation is not None
    return sum(float(p.grad.norm()) for p in model.aggregation.parameters() if p.grad is not None)


def test_the_unit_learns_from_annotated_moments_alone() -> None:
    none, some = torch.zeros(3) > 0, torch.tensor([True, False, False])
    assert unit_gradient("unit", annotated=some) > 0
    assert unit_gradient("unit", annotated=none) == 0
    # The informed unit asks more: that no teacher was trained on them.
    assert unit_gradient("informed", annotated=some) == 0
    assert unit_gradient("informed", annotated=none, held_out=some) > 0


def test_a_query_without_a_moment_takes_it_from_the_rule_of_the_students_label() -> None:
    labels = taught_batch().truth().soft_labels
    assert labels is not None
    rules = {name: training(aggregation=name).combined(labels) for name in ("unit", "uniform", "geometric", "informed")}
    torch.testing.assert_close(rules["unit"], labels.mean(1))
    torch.testing.assert_close(rules["unit"], rules["uniform"])
    torch.testing.assert_close(rules["geometric"], rules["informed"])
    assert (rules["geometric"] - rules["uniform"]).abs().max() > 0.01
