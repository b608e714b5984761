"""Multiply-adds equal their closed forms, whichever kernels torch chooses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.flop_counter import FlopCounterMode

from bench.backends.eager import staged_run
from bench.instruments import flops
from bench.instruments.crosscheck import Stageless, crosscheck
from bench.instruments.formulas import EXTRA
from bench.missing import Missing
from bench.subjects import make_batch
from tests.bench.toy import DIM, SHAPE, toy

B, L, D, M, K, HEADS, FF = 2, 64, 128, 20, 7, 8, 512
ROWS = B * L
ATTENTION = 4 * ROWS * D * D + 2 * B * L * L * D


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any], *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.function = function

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*self.parts, *inputs)


@dataclass(frozen=True)
class Known:
    name: str
    module: Callable[[], nn.Module]
    inputs: tuple[tuple[int, ...], ...]
    macs: int


X, Y = (B, L, D), (B, M, D)
CONV = (B, D, L)
HEAD = (B, HEADS, L, D // HEADS)


def trilinear_attention(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Context-query attention of VSLNet, SeqPAN and BAN without its rank-one terms."""
    scores = torch.matmul(x * w, y.transpose(1, 2))
    rows, columns = scores.softmax(2), scores.softmax(1)
    to_query = torch.matmul(rows, y)
    return torch.matmul(torch.matmul(rows, columns.transpose(1, 2)), x) + to_query


def cells(cell: nn.LSTMCell, x: Tensor) -> Tensor:
    state = None
    for step in x.unbind(1):
        state = cell(step, state)
    return state[0]


def attend(attention: nn.MultiheadAttention, x: Tensor, weights: bool) -> Tensor:
    return attention(x, x, x, need_weights=weights)[0]


def mha() -> nn.MultiheadAttention:
    return nn.MultiheadAttention(D, HEADS, batch_first=True)


KNOWN = [
    Known("linear", lambda: nn.Linear(D, D), (X,), ROWS * D * D),
    Known("conv1d", lambda: nn.Conv1d(D, D, K, padding=3), (CONV,), ROWS * D * D * K),
    Known("conv1d groups", lambda: nn.Conv1d(D, D, K, padding=3, groups=4), (CONV,), ROWS * D * D * K // 4),
    Known("conv1d depthwise", lambda: nn.Conv1d(D, D, K, padding=3, groups=D), (CONV,), ROWS * D * K),
    Known("conv2d", lambda: nn.Conv2d(8, 16, 3, padding=1), ((B, 8, 16, 16),), B * 256 * 16 * 8 * 9),
    Known("conv transpose", lambda: nn.ConvTranspose1d(D, D, 4, 2, 1), (CONV,), ROWS * D * D * 4),
    Known(
        "lstm",
        lambda: nn.LSTM(D, D, bidirectional=True, batch_first=True),
        (X,),
        2 * ROWS * 4 * D * 2 * D,
    ),
    Known("lstm stacked", lambda: nn.LSTM(D, 32, 2, batch_first=True), (X,), ROWS * 4 * 32 * (D + 3 * 32)),
    Known("gru", lambda: nn.GRU(D, D, bidirectional=True, batch_first=True), (X,), 2 * ROWS * 3 * D * 2 * D),
    Known("rnn", lambda: nn.RNN(D, D, batch_first=True), (X,), ROWS * 2 * D * D),
    Known("lstm cells", lambda: Call(cells, nn.LSTMCell(D, D)), (X,), ROWS * 4 * D * 2 * D),
    Known(
        "packed lstm",
        lambda: Call(
            lambda lstm, x: lstm(pack_padded_sequence(x, [L, 30], batch_first=True))[0].data,
            nn.LSTM(D, D, batch_first=True),
        ),
        (X,),
        (L + 30) * 4 * D * 2 * D,
    ),
    Known("sdpa", lambda: Call(F.scaled_dot_product_attention), (HEAD,) * 3, 2 * B * L * L * D),
    Known("mha", lambda: Call(lambda a, x: attend(a, x, False), mha()), (X,), ATTENTION),
    Known("mha weights", lambda: Call(lambda a, x: attend(a, x, True), mha()), (X,), ATTENTION),
    Known(
        "encoder layer",
        lambda: nn.TransformerEncoderLayer(D, HEADS, FF, batch_first=True),
        (X,),
        ATTENTION + 2 * ROWS * D * FF,
    ),
    Known("bmm", lambda: Call(lambda x, y: torch.bmm(x, y.transpose(1, 2))), (X, Y), B * L * M * D),
    Known(
        "matmul 4-D",
        lambda: Call(lambda x, y: x @ y.transpose(2, 3)),
        (HEAD, HEAD),
        B * L * L * D,
    ),
    Known("baddbmm", lambda: Call(torch.baddbmm), ((B, L, M), X, (B, D, M)), B * L * M * D),
    Known("addbmm", lambda: Call(torch.addbmm), ((L, M), X, (B, D, M)), B * L * M * D),
    Known("einsum", lambda: Call(lambda x, y: torch.einsum("bld,bmd->blm", x, y)), (X, Y), B * L * M * D),
    Known(
        "einsum of three",  # its product with the vector is elementwise, and counted there
        lambda: Call(lambda x, y, w: torch.einsum("bld,bmd,d->blm", x, y, w)),
        (X, Y, (D,)),
        B * L * M * D,
    ),
    Known("bilinear", lambda: nn.Bilinear(D, D, 8), (X, X), ROWS * 8 * (D * D + D)),
    Known(
        "context-query attention",
        lambda: Call(trilinear_attention),
        (X, Y, (D,)),
        2 * B * L * M * D + B * L * L * M + B * L * L * D,
    ),
    Known("cdist", lambda: Call(torch.cdist), (X, Y), B * L * M * D),
    Known("cdist p=1", lambda: Call(lambda x, y: torch.cdist(x, y, p=1.0)), (X, Y), B * L * M * D),
    Known("matrix-vector", lambda: Call(torch.matmul), (X, (D,)), ROWS * D),
    Known("dot", lambda: Call(torch.dot), ((D,), (D,)), D),
    Known("layer norm", lambda: nn.LayerNorm(D), (X,), 0),
    Known("batch norm", lambda: nn.BatchNorm1d(D), (CONV,), 0),
    Known("softmax", lambda: nn.Softmax(-1), (X,), 0),
    Known("gelu", lambda: nn.GELU(), (X,), 0),
    Known("mul add", lambda: Call(lambda x: x * x + x), (X,), 0),
    Known("embedding", lambda: Call(lambda e, x: e(x[..., 0].long().clamp(0, 9)), nn.Embedding(10, 4)), (X,), 0),
]


def made(known: Known) -> tuple[nn.Module, tuple[Tensor, ...]]:
    torch.manual_seed(0)
    return known.module().eval(), tuple(torch.randn(size) for size in known.inputs)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_canonical_and_plain_counts_are_the_closed_form(known: Known) -> None:
    module, inputs = made(known)
    run = Stageless(module, inputs)
    canonical = flops.summarise(flops.operators(module, run, {}))
    plain = flops.summarise(flops.operators(module, run, {}, flops.plain))
    assert (canonical.macs, plain.macs) == (known.macs, known.macs)
    assert canonical.flops == 2 * known.macs
    assert canonical.coverage.ops_uncounted == ()
    assert canonical.coverage.covered_pct == 100


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_torch_own_counter_agrees_once_it_has_the_formulas(known: Known) -> None:
    module, inputs = made(known)
    with flops.canonical(), torch.no_grad(), FlopCounterMode(display=False, custom_mapping=EXTRA) as counter:
        module(*inputs)
    assert counter.get_total_flops() == 2 * known.macs


@pytest.mark.parametrize(
    ("name", "norm", "elementwise"),
    [
        ("layer norm", 5 * ROWS * D, 0),
        ("batch norm", 2 * ROWS * D, 0),
        ("softmax", 5 * ROWS * D, 0),
        ("mul add", 0, 2 * ROWS * D),
        ("gelu", 0, 10 * ROWS * D),
    ],
)
def test_cost_table(name: str, norm: int, elementwise: int) -> None:
    module, inputs = made(next(known for known in KNOWN if known.name == name))
    counted = flops.count(module, Stageless(module, inputs))
    assert (counted.flops_norm, counted.flops_elementwise) == (norm, elementwise)


def test_masked_encoder_stack_counts_only_valid_steps_on_the_fast_path() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(D, HEADS, FF, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2).eval()
    padding = torch.zeros(B, L, dtype=torch.bool)
    padding[1, 40:] = True
    run = Stageless(Call(lambda e, x: e(x, src_key_padding_mask=padding), encoder), (torch.randn(X),))
    lengths = [L, 40]
    valid = sum(4 * n * D * D + 2 * n * n * D + 2 * n * D * FF for n in lengths)
    plain = flops.summarise(flops.operators(encoder, run, {}, flops.plain))
    full = flops.summarise(flops.operators(encoder, run, {}))
    assert plain.macs == 2 * valid
    assert full.macs == 2 * (ATTENTION + 2 * ROWS * D * FF)


def test_an_operator_without_a_rule_is_listed() -> None:
    module = Call(torch.linalg.inv)
    coverage = flops.count(module, Stageless(module, (torch.eye(4),))).coverage
    assert [(op.op, op.calls) for op in coverage.ops_uncounted] == [("aten::linalg_inv_ex", 1)]
    assert coverage.covered_pct < 100


def test_stages_of_a_grounding_model() -> None:
    model, clips = toy(), SHAPE.num_clips
    batch = make_batch(SHAPE, 8, 1)
    counted = flops.count(model, staged_run(model, batch), dict(model.stages))
    assert {stage: cost.macs for stage, cost in counted.by_stage.items() if cost.macs} == {
        "video_proj": clips * 8 * DIM,
        "video_encode": clips * DIM * DIM,
        "text_embed": SHAPE.num_words * 5 * DIM,
        "text_encode": DIM * DIM,
        "fusion": clips * DIM,
    }
    assert counted.macs == sum(cost.macs for cost in counted.by_stage.values())


def test_compute_is_linear_in_the_batch() -> None:
    model = toy()
    one, three = (flops.count(model, staged_run(model, make_batch(SHAPE, 8, size)), {}).macs for size in (1, 3))
    assert three == 3 * one


def test_counting_leaves_no_trace() -> None:
    model = toy().train()
    before = torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled()
    flops.count(model, staged_run(model, make_batch(SHAPE, 8, 1)), dict(model.stages))
    assert (torch.backends.mha.get_fastpath_enabled(), torch.is_grad_enabled()) == before
    assert model.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize(
    ("name", "operator"),
    [
        ("lstm", "aten::lstm"),
        ("gru", "aten::gru"),
        ("rnn", "aten::rnn_tanh"),
        ("baddbmm", "aten::baddbmm"),
        ("sdpa", "aten::scaled_dot_product_attention"),
        ("bilinear", "aten::bilinear"),
        ("cdist", "aten::cdist"),
    ],
)
def test_fvcore_blind_spots_are_named(name: str, operator: str) -> None:
    known = next(known for known in KNOWN if known.name == name)
    module, inputs = made(known)
    found = crosscheck(module, Stageless(module, inputs), module, inputs, known.macs)
    assert found.fvcore_macs == 0
    assert found.explained_macs == {operator: known.macs}
    assert found.explained_by == (operator,)
    assert found.unexplained_macs == 0
    assert not found.agrees


def test_fvcore_agrees_where_it_sees_everything() -> None:
    known = next(known for known in KNOWN if known.name == "linear")
    module, inputs = made(known)
    found = crosscheck(module, Stageless(module, inputs), module, inputs, known.macs)
    assert found.agrees
    assert found.explained_by == ()


def test_a_module_fvcore_cannot_trace_gives_the_reason() -> None:
    def untraceable(x: Tensor) -> dict[str, float]:
        return {"seconds": 1.0}

    found = crosscheck(
        Call(untraceable), Stageless(Call(untraceable), (torch.ones(1),)), Call(untraceable), (torch.ones(1),), 0
    )
    assert isinstance(found.fvcore_macs, Missing)
    assert found.fvcore_macs.reason.startswith("fvcore failed")
