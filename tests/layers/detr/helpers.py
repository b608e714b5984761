"""Sizes and a mask for the DETR family's blocks, and torch's attention with their weights."""

import torch
from torch import nn

from emtm.layers.detr.transformer import MultiHeadAttention

DIM, HEADS, HIDDEN = 16, 4, 24
MASK = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])


def randomised(module: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return module.eval()


def fused(attention: MultiHeadAttention) -> nn.MultiheadAttention:
    """torch's attention with the same weights."""
    reference = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    load_attention(reference, attention)
    return reference.eval()


def load_attention(reference: nn.MultiheadAttention, ours: MultiHeadAttention) -> None:
    parts = (ours.query, ours.key, ours.value)
    reference.in_proj_weight.data = torch.cat([p.weight.data for p in parts])
    reference.in_proj_bias.data = torch.cat([p.bias.data for p in parts])
    reference.out_proj.load_state_dict(ours.out.state_dict())
