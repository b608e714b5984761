"""Optimisers as published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from emtm.contract import Recipe


class BertAdam(Optimizer):
    """Adam with decoupled weight decay and no bias correction (BERT's AdamWeightDecay).

    update = m / (sqrt(v) + eps) + weight_decay * p;  p <- p - lr * update.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            grads = [p.grad for p in params]
            for p in params:
                if not self.state[p]:
                    self.state[p] = {"first": torch.zeros_like(p), "second": torch.zeros_like(p)}
            first = [self.state[p]["first"] for p in params]
            second = [self.state[p]["second"] for p in params]
            beta_1, beta_2 = group["betas"]
            torch._foreach_lerp_(first, grads, 1 - beta_1)
            torch._foreach_mul_(second, beta_2)
            torch._foreach_addcmul_(second, grads, grads, 1 - beta_2)
            scale = torch._foreach_sqrt(second)
            torch._foreach_add_(scale, group["eps"])
            if group["weight_decay"]:
                torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_addcdiv_(params, first, scale, -group["lr"])


def undecayed(model: nn.Module) -> set[Tensor]:
    """Parameters that weight decay leaves alone: LayerNorm scales and shifts, and biases."""
    kept: set[Tensor] = set()
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            kept.update(module.parameters(recurse=False))
        elif not isinstance(module, nn.modules.batchnorm._BatchNorm):
            # The published pattern matches names, and batch-norm's are gamma and beta: decayed.
            kept.update(p for name, p in module.named_parameters(recurse=False) if name.startswith("bias"))
    return kept


def build_optimizer(model: nn.Module, recipe: Recipe) -> Optimizer:
    """Optimiser of `recipe` over the trainable parameters, decayed and undecayed apart."""
    kept = undecayed(model)
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p not in kept], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trainable if p in kept], "weight_decay": 0.0},
    ]
    lr = recipe.learning_rate
    if recipe.optimizer == "bert-adam":
        return BertAdam(groups, lr)
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr, eps=1e-6, fused=True)
    return torch.optim.Adam(groups, lr, fused=True)
