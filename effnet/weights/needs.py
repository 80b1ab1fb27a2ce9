"""What a network needs to run: memory and time, told before it is chosen. Pure Python.

Memory: the weights, and at the widest operation its input, its output and the block's input, with
what convolutions need beside them. Time: MACs and bytes written, at the rates of one core.
"""

from __future__ import annotations

from dataclasses import dataclass

from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for

BYTES = 4  # float32

# Measured with torch 2.13 on one core of a server, B0 to B7: 0.024 s and 2.05 s at the
# ends; the estimate is within a quarter of each. Convolutions reorder their tensors, so that the
# process grows by 1.5 to 3 times the tensors that the network itself holds.
MACS_PER_SECOND = 22e9
BYTES_PER_SECOND = 14e9
WORKSPACE = 2.5


@dataclass(frozen=True)
class Needs:
    """Estimates for one picture at the spec's resolution in float32, on a CPU.

    Attributes:
        weights_bytes: parameters and BN statistics.
        peak_activation_bytes: the largest sum of tensors that exist at the same time.
        memory_bytes: the weights and the activations with the workspace of the convolutions.
        seconds: on one core of an ordinary CPU.
        times_b0: how much longer than B0.
    """

    weights_bytes: int
    peak_activation_bytes: int
    memory_bytes: int
    seconds: float
    times_b0: float


def estimate(spec: Spec) -> Needs:
    """What `spec` needs for one picture at its resolution."""
    weights = weights_bytes(spec)
    peak = peak_activation_bytes(spec)
    seconds = _seconds(spec)
    memory = weights + int(WORKSPACE * peak)
    return Needs(weights, peak, memory, seconds, seconds / _seconds(spec_for("b0")))


def weights_bytes(spec: Spec) -> int:
    """Bytes of all float tensors: the parameters, and a mean and a variance a BN channel."""
    channels = spec.stem_channels + spec.head_channels
    for block in spec.blocks:
        channels += block.expanded_channels * (1 if block.expand_ratio == 1 else 2)
        channels += block.out_channels
    return BYTES * (spec.params + 2 * channels)


def peak_activation_bytes(spec: Spec) -> int:
    """Bytes of the tensors that exist at the widest moment of a forward pass."""
    inputs = {block.id: block.in_channels * block.in_size**2 for block in spec.blocks}
    widest = 0
    for op in spec.operations:
        before, after = (c * h * w for c, h, w in (op.in_shape, op.out_shape))
        widest = max(widest, before + after + inputs.get(op.block, 0))
    return BYTES * widest


def _seconds(spec: Spec) -> float:
    cost = spec.cost()
    return cost.macs / MACS_PER_SECOND + cost.activation_bytes / BYTES_PER_SECOND
