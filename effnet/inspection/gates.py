"""Numbers about gates: how a gate comes about, and how open the gates of a block are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from effnet.errors import InspectionError
from effnet.inspection.trace import Array
from effnet.network.model import EfficientNet

NEAR = 0.1
"""A gate below 0.1 counts as near 0 (closed), one above 0.9 as near 1 (open)."""


class GateStats(NamedTuple):
    """Of one block's gates for one picture: mean, standard deviation, shares below 0.1, above 0.9."""

    mean: float
    spread: float
    closed: float
    open: float


def gate_stats(gates: Array) -> GateStats:
    """Statistics of a gate vector (C,)."""
    g = np.asarray(gates, dtype=np.float64).reshape(-1)
    return GateStats(
        float(g.mean()), float(g.std()), float((g < NEAR).mean()), float((g > 1 - NEAR).mean())
    )


@dataclass(frozen=True)
class GateSteps:
    """How the gates of one block come about for one picture; every array is float64.

    Attributes:
        squeeze: (C,) mean of each map.
        reduce: (r,) W_r @ squeeze + b_r. activated: (r,) SiLU of it.
        expand: (C,) W_e @ activated + b_e. gate: (C,) its sigmoid.
        expand_weight: (C, r). expand_bias: (C,). reduce_weight: (r, C). reduce_bias: (r,).
    """

    squeeze: Array
    reduce: Array
    activated: Array
    expand: Array
    gate: Array
    reduce_weight: Array
    reduce_bias: Array
    expand_weight: Array
    expand_bias: Array

    def contributions(self, channel: int) -> Array:
        """(r,) what each bottleneck value adds to the channel's pre-sigmoid value."""
        return np.asarray(self.expand_weight[channel] * self.activated)


def gate_steps(model: EfficientNet, block: str, squeeze: Array) -> GateSteps:
    """Recompute a block's gates from its squeeze (C,), step by step.

    Raises:
        InspectionError: when the block has no SE or the squeeze belongs to another block.
        SpecError: when there is no such block.
    """
    se = model.block(block).se
    if se is None:
        raise InspectionError(f"Block {block} has no squeeze-and-excitation.")

    def array(t: object) -> Array:
        return t.detach().double().cpu().numpy()  # type: ignore[attr-defined, no-any-return]

    wr, br = array(se.reduce.weight)[:, :, 0, 0], array(se.reduce.bias)
    we, be = array(se.expand.weight)[:, :, 0, 0], array(se.expand.bias)
    s = np.asarray(squeeze, dtype=np.float64).reshape(-1)
    if s.shape != (wr.shape[1],):
        raise InspectionError(f"Block {block} squeezes {wr.shape[1]} channels, not {s.size}.")
    z = wr @ s + br
    r = z / (1 + np.exp(-z))
    u = we @ r + be
    return GateSteps(s, z, r, u, 1 / (1 + np.exp(-u)), wr, br, we, be)
