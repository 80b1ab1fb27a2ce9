"""Random networks on which a comparison means something.

A fresh initialisation hides swapped tensors (BN statistics 0 and 1, SE biases 0), and plain random
weights make networks in which rounding alone moves logits by per cents. So: He-normal convolutions,
SE biases N(0, 0.2), BN weights U(0.8, 1.2), a quarter of that in the projections, statistics from
one batch, variances at least half of their layer's mean, and everything jittered.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def picture(size: int, seed: int = 0, n: int = 1) -> Tensor:
    """(n, 3, size, size), normal values."""
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def condition(
    model: nn.Module, size: int, *, projection: str = "project.norm", seed: int = 0
) -> None:
    """Give any torch EfficientNet well-conditioned values, in place; it ends in eval mode.

    Args:
        size: px of the pictures that the statistics are taken from.
        projection: what the names of the projections' batch norms end with.
    """
    g = torch.Generator().manual_seed(seed)

    def normal(t: Tensor, std: float) -> None:
        t.copy_(torch.randn(t.shape, generator=g) * std)

    def uniform(t: Tensor, low: float, high: float) -> None:
        t.copy_(torch.rand(t.shape, generator=g) * (high - low) + low)

    norms = []
    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.Conv2d):
                fan_in = module.weight[0].numel()
                normal(module.weight, math.sqrt(2 / fan_in))
                if module.bias is not None:
                    normal(module.bias, 0.2)
            elif isinstance(module, nn.Linear):
                normal(module.weight, math.sqrt(1 / module.in_features))
                normal(module.bias, 0.2)
            elif isinstance(module, nn.BatchNorm2d):
                uniform(module.weight, 0.8, 1.2)
                if name.endswith(projection):
                    module.weight.mul_(0.25)
                normal(module.bias, 0.1)
                module.reset_running_stats()
                norms.append((module, module.momentum))
                module.momentum = None  # the plain average of what it sees
        model.train()
        model(picture(size, seed + 1, n=32))
        for module, momentum in norms:
            var = module.running_var
            var.clamp_(min=0.5 * float(var.mean()))
            var.mul_(torch.rand(var.shape, generator=g) * 0.2 + 0.95)
            module.running_mean.add_(torch.randn(var.shape, generator=g) * 0.05 * var.sqrt())
            module.momentum = momentum
    model.eval()


def assert_close(ours: Tensor, theirs: Tensor) -> float:
    """Float32 within 1e-4, float64 within 1e-9 of the largest logit; returns the ratio."""
    assert ours.dtype == theirs.dtype
    largest = float(theirs.abs().max())
    ratio = float((ours - theirs).abs().max()) / largest
    assert largest > 0.1
    assert float(theirs.std()) > 0.01 * largest
    assert ratio < (1e-4 if ours.dtype == torch.float32 else 1e-9), ratio
    return ratio
