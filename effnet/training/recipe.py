"""Every number of a training, in one frozen place."""

from __future__ import annotations

import math
from dataclasses import dataclass

from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for


def mini_spec(se: bool = True) -> Spec:
    """The network in the box (`mini`: ten MBConv blocks, 0.88 M parameters), or its twin without SE."""
    return spec_for("mini" if se else "mini-no-se")


@dataclass(frozen=True)
class Recipe:
    """AdamW with a cosine after a linear warm-up; an exponential average of the weights is kept."""

    se: bool = True
    seed: int = 0
    epochs: int = 30
    batch: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 400
    label_smoothing: float = 0.1
    shift: int = 2
    average: float = 0.999
    threads: int = 0  # 0: as many as torch takes

    def lr_at(self, step: int, total: int) -> float:
        """Learning rate of a step (0-based) out of `total`."""
        if step < self.warmup_steps:
            return self.lr * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, total - self.warmup_steps)
        return self.lr * 0.5 * (1 + math.cos(math.pi * done))
