"""The ragged bidirectional LSTM against PyTorch's own on packed sequences."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from emtm.layers.recurrent import BiLSTM

LENGTHS = torch.tensor([7, 1, 4])


def test_equals_lstm_on_packed_sequences() -> None:
    torch.manual_seed(0)
    ours, theirs = BiLSTM(5, 3), nn.LSTM(5, 3, batch_first=True, bidirectional=True)
    for name, parameter in theirs.named_parameters():
        part = ours.backwards if name.endswith("_reverse") else ours.forwards
        parameter.data.copy_(part.get_parameter(name.removesuffix("_reverse")).data)
    x = torch.randn(3, 7, 5)
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    mask = torch.arange(7) < LENGTHS[:, None]
    torch.testing.assert_close(ours(x, mask), expected, atol=1e-6, rtol=1e-5)


def test_padding_is_zero_and_never_read() -> None:
    torch.manual_seed(0)
    layer, x = BiLSTM(5, 3), torch.randn(3, 7, 5)
    mask = torch.arange(7) < LENGTHS[:, None]
    out = layer(x, mask)
    assert (out[~mask] == 0).all()
    assert torch.equal(out, layer(torch.where(mask.unsqueeze(2), x, 1e3), mask))
