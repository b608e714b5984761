"""PyTorch's names of bidirectional LSTM weights in those of `emtm.layers.sentence.BiLSTMStack`."""

from __future__ import annotations


def bilstm_layers(name: str, theirs: str, ours: str) -> str:
    """`{theirs}.weight_ih_l1_reverse` -> `{ours}.layers.1.backwards.weight_ih_l0`."""
    kind, _, rest = name.removeprefix(f"{theirs}.").partition("_l")
    layer, _, reverse = rest.partition("_")
    return f"{ours}.layers.{layer}.{'backwards' if reverse else 'forwards'}.{kind}_l0"
