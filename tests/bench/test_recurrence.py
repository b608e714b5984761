"""Recurrent layers counted by a few steps are counted as step by step."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.instruments.ledger import OpLedger, OpRow
from bench.instruments.recurrence import few_steps
from bench.stages import OTHER

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU}


@st.composite
def layers(draw: st.DrawFn) -> nn.Module:
    """Any recurrent layer of torch."""
    kind = draw(st.sampled_from(sorted(LAYERS)))
    options = {
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
    }
    if kind == "lstm":
        options["proj_size"] = draw(st.sampled_from([0, 2]))
    return LAYERS[kind](4, 3, **options).eval()


def booked(layer: nn.Module, x: Tensor, *, few: bool) -> tuple[list[OpRow], Tensor]:
    """What a ledger shows of one call, and its output."""
    ledger = OpLedger(str, lambda: OTHER)
    with torch.no_grad(), ledger:
        if few:
            with few_steps(ledger):
                y = layer(x)[0]
        else:
            y = layer(x)[0]
    return sorted(ledger.rows, key=lambda row: (row.op, row.bucket)), y


@given(layers(), st.integers(1, 3), st.integers(1, 9), st.booleans(), st.sampled_from(["cpu", "meta"]))
@settings(max_examples=60, deadline=None)
def test_few_steps_tell_of_all(layer: nn.Module, batch: int, length: int, turned: bool, device: str) -> None:
    shape = (batch, length, 4) if layer.batch_first else (length, batch, 4)
    x = torch.randn(shape, device=device)
    if turned:
        x = x.transpose(0, 1).contiguous().transpose(0, 1)
    layer.to(device)
    rows, y = booked(layer, x, few=True)
    expected, z = booked(layer, x, few=False)
    assert rows == expected
    assert device == "meta" or torch.equal(y, z)


def test_a_long_sequence_is_seen_by_its_first_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    book = OpLedger.book
    monkeypatch.setattr(OpLedger, "book", lambda *found: (seen.append(found[1]), book(*found)))
    ledger = OpLedger(str, lambda: OTHER)
    layer = nn.LSTM(4, 3)
    with torch.no_grad(), ledger, few_steps(ledger):
        layer(torch.zeros(1000, 2, 4))
    assert len(seen) < 200
    once = len(seen)
    with torch.no_grad(), ledger, few_steps(ledger):
        layer(torch.zeros(1000, 2, 4))
    assert sum(row.macs for row in ledger.rows) == 2 * 1000 * 2 * 4 * 3 * (4 + 3)
    assert len(seen) < 2 * once + 1


@pytest.mark.parametrize("lengths", [[6, 6], [6, 2]])
def test_packed_sequences_are_seen_step_by_step(lengths: list[int]) -> None:
    layer = nn.LSTM(4, 3, batch_first=True)
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(2, 6, 4), torch.tensor(lengths), batch_first=True)
    ledger = OpLedger(str, lambda: OTHER)
    with torch.no_grad(), ledger, few_steps(ledger):
        layer(packed)
    assert sum(row.macs for row in ledger.rows) == sum(lengths) * 4 * 3 * (4 + 3)


def test_initial_states_and_lone_sequences() -> None:
    layer = nn.LSTM(4, 3).eval()
    state = (torch.randn(1, 3), torch.randn(1, 3))
    ledger = OpLedger(str, lambda: OTHER)
    with torch.no_grad(), ledger, few_steps(ledger):
        y, (h, _) = layer(torch.randn(7, 4), state)
    assert torch.equal(y[-1:], h)
    assert sum(row.macs for row in ledger.rows) == 7 * 4 * 3 * (4 + 3)


def test_modules_keep_their_fast_paths() -> None:
    """As they would not under a function mode."""
    with few_steps(OpLedger(str, lambda: OTHER)):
        assert not torch.overrides.has_torch_function((torch.zeros(1),))


def test_torch_is_as_it_was() -> None:
    before = torch._VF.lstm
    with few_steps(OpLedger(str, lambda: OTHER)):
        assert torch._VF.lstm is not before
    assert torch._VF.lstm is before
