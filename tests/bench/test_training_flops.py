"""Arithmetic of training steps that can be worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from bench.instruments.training_flops import count_step
from bench.measures.train_step import TrainStepMeasurement
from bench.missing import Missing
from bench.record import TrainingCompute
from bench.specimen import Specimen
from bench.training_step import step_of_module
from tests.bench.toy import DIM, SHAPE, toy, toy_case
from tests.bench.tricks import Call

N, D, H, K = 5, 7, 11, 3


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(D, H), nn.Linear(H, K))


PARAMS = D * H + H + H * K + K
FORWARD = N * (D * H + H * K)


def step(optimizer: type[Optimizer], **options: object) -> TrainingCompute:
    model = network()
    used = optimizer(model.parameters(), **options)  # type: ignore[call-arg, arg-type]
    return count_step(lambda: model(torch.ones(N, D)).sum(), used.step)


def test_two_layers() -> None:
    found = step(SGD, lr=0.1, foreach=False)
    assert found.forward_macs == FORWARD
    # Gradients of both weights, and of the input of the second layer: the first one's needs none.
    assert found.backward_macs == FORWARD + N * H * K
    assert found.forward_flops_other == N * K
    assert found.update_flops == PARAMS
    assert found.coverage.ops_uncounted == ()


def test_an_input_that_is_learnt_costs_its_gradient() -> None:
    layer, x = nn.Linear(D, H), torch.ones(N, D, requires_grad=True)
    found = count_step(lambda: layer(x).sum(), lambda: None)
    assert found.backward_macs == 2 * found.forward_macs == 2 * N * D * H


@pytest.mark.parametrize("size", [4, 6])
def test_an_lstm(size: int) -> None:
    """Gradients of inputs and weights each cost what the layer costs, in one kernel or step by step."""
    layer, x = nn.LSTM(size, H), torch.ones(N, 2, size, requires_grad=True)
    found = count_step(lambda: layer(x)[0].sum(), lambda: None)
    assert found.forward_macs == N * 2 * 4 * H * (size + H)
    first_states = 2 * 4 * H * H  # Of which no gradient is asked for; a kernel computes it anyway.
    assert found.backward_macs in (2 * found.forward_macs, 2 * found.forward_macs - first_states)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("learnt", [False, True])
@pytest.mark.parametrize(
    ("kind", "places"),
    [
        # Of five positions a kernel of three fits at three, a transposed one is put down at each.
        (nn.Conv1d, 3),
        (nn.ConvTranspose1d, 5),
        (nn.Conv2d, 3 * 3),
        (nn.ConvTranspose2d, 5 * 5),
    ],
)
def test_gradients_of_a_convolution_cost_what_it_costs(
    kind: type[nn.Module], places: int, learnt: bool, groups: int
) -> None:
    dims = 2 if kind in (nn.Conv2d, nn.ConvTranspose2d) else 1
    layer = kind(6, 12, 3, groups=groups)
    x = torch.ones(N, 6, *([5] * dims), requires_grad=learnt)
    found = count_step(lambda: layer(x).sum(), lambda: None)
    assert found.forward_macs == N * places * 6 * 12 // groups * 3**dims
    assert found.backward_macs == (1 + learnt) * found.forward_macs


def attention_gradients(x: Tensor) -> Tensor:
    return nn.functional.scaled_dot_product_attention(x, x, x).sum()


def test_attention() -> None:
    x = torch.ones(1, 2, 6, 4, requires_grad=True)
    found = count_step(lambda: attention_gradients(x), lambda: None)
    pairs = 2 * 6 * 6
    assert found.forward_macs == 2 * pairs * 4
    # Gradients of scores, values, queries and keys; a fused kernel makes the scores anew.
    assert found.backward_macs in (4 * pairs * 4, 5 * pairs * 4)


@pytest.mark.parametrize(
    ("optimizer", "options", "flops"),
    [
        (SGD, {}, 1),
        (SGD, {"weight_decay": 0.1}, 2),
        (Adam, {}, 11),
        (Adam, {"weight_decay": 0.1}, 12),
        (Adam, {"amsgrad": True}, 12),
        (AdamW, {}, 12),
        (AdamW, {"weight_decay": 0.0}, 11),
    ],
)
def test_an_update_costs_the_same_in_one_operator_and_in_many(
    optimizer: type[Optimizer], options: dict[str, object], flops: int
) -> None:
    many = step(optimizer, lr=0.1, foreach=True, **options)
    one = step(optimizer, lr=0.1, fused=True, **options)
    steps = 4 if optimizer is not SGD else 0  # Each of four tensors counts its updates.
    assert many.update_flops == one.update_flops == flops * PARAMS + steps
    assert one.coverage.ops_uncounted == many.coverage.ops_uncounted == ()


def test_a_step_of_a_grounding_model() -> None:
    case = toy_case(batch_size=4, scenario="train_step")
    measurement = TrainStepMeasurement(case, toy())
    measurement.warm_up()
    found = measurement.counted()
    assert not isinstance(found, Missing)
    clips, words = SHAPE.num_clips, SHAPE.num_words
    video, query, fusion = clips * DIM * (8 + DIM), words * 5 * DIM + DIM * DIM, clips * DIM
    assert found.forward_macs == 4 * (video + query + fusion)
    inputs = clips * DIM * DIM + DIM * DIM + 2 * fusion  # Of the mix of both sides, and of the product's two factors.
    assert found.backward_macs == 4 * (video + query + inputs)
    assert found.coverage.ops_uncounted == ()
    measurement.compute = found
    measurement.probe.repeat(2)
    assert measurement.blocks(1000)[0].compute == found


def test_a_module_of_somebodys_is_trained_as_a_copy() -> None:
    model = network()
    before = [p.clone() for p in model.parameters()]
    found = step_of_module(Specimen(model, (torch.ones(N, D),)))
    assert not isinstance(found, Missing)
    assert (found.forward_macs, found.backward_macs) == (FORWARD, FORWARD + N * H * K)
    assert found.update_flops == 12 * PARAMS + 4
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.ReLU(), "no trainable parameters"),
        (Call(lambda f, x: f(x).argmax(1), nn.Linear(D, H)), "no output carries a gradient"),
        (Call(lambda f, x: 1 / 0, nn.Linear(D, H)), "ZeroDivisionError"),
    ],
)
def test_why_a_step_is_not_counted(module: nn.Module, reason: str) -> None:
    found = step_of_module(Specimen(module, (torch.ones(N, D),)))
    assert isinstance(found, Missing)
    assert reason in found.reason
