"""Networks for tests: seeded, with batch statistics and SE biases that are not the defaults.

A fresh initialisation hides mistakes (BN statistics 0 and 1, SE biases 0), so these are jittered.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from effnet import spec_for
from effnet.network.model import EfficientNet, build_model


def jitter(model: nn.Module, seed: int = 0) -> None:
    """Well-conditioned random values in place: BN near calibrated, SE biases N(0, 0.2)."""
    g = torch.Generator().manual_seed(seed)

    def draw(t: Tensor, low: float, high: float) -> None:
        t.copy_(torch.rand(t.shape, generator=g, dtype=torch.float64).mul(high - low).add(low))

    with torch.no_grad():
        for name, module in model.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                draw(module.weight, 0.8, 1.2)
                draw(module.bias, -0.2, 0.2)
                draw(module.running_mean, -0.2, 0.2)
                draw(module.running_var, 0.5, 1.5)
                if name.endswith("project.norm"):
                    module.weight.mul_(0.5)
            elif isinstance(module, nn.Conv2d) and module.bias is not None:
                draw(module.bias, -0.6, 0.6)


def net(name: str = "tiny", seed: int = 0, **changes: object) -> EfficientNet:
    """A jittered network in eval mode."""
    model = build_model(spec_for(name, **changes), seed=seed)
    jitter(model, seed)
    return model


def picture(size: int = 32, seed: int = 0, n: int = 1) -> Tensor:
    """(n, 3, size, size), normal values."""
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(seed))
