"""The network unrolled: one row per operation, with shapes, costs and receptive field.

Source of the order: Tan and Le (2019) and the official `efficientnet_model.py`
(tensorflow/tpu, models/official/efficientnet): convolutions carry no bias except the two of
squeeze-and-excitation, BN follows each other convolution, the activation follows BN except after
the projection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from effnet.architecture.spec import HEAD, STEM, Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from effnet.architecture.spec import Padding, Spec

Shape = tuple[int, int, int]
"""Channels, height, width of one picture's tensor."""

BYTES_PER_VALUE = 4


class Operation(NamedTuple):
    """One step of the network.

    Attributes:
        block: `stem`, a block's address or `head`. stage: 1..9.
        part: the piece of the block it belongs to: stem, expand, depthwise, se, project,
            residual, head.
        name: conv, norm, act, squeeze, reduce, expand, sigmoid, scale, drop, add, pool, dropout, fc.
        kernel, stride, groups: of a convolution; 1, 1, 1 otherwise.
        in_shape, out_shape: (channels, height, width).
        params: trainable; macs: of one picture.
        receptive_field: side of the square of input pixels that one output value can see along
            the main branch, px, without clipping to the picture. (A gate has seen the whole map.)
        total_stride: input pixels per step in this tensor.
        centre: the input pixel (0-based, along one side) on which the field of this tensor's first
            cell is centred; cell i is centred on `centre + i * total_stride`. SAME and symmetric
            padding differ here: 31 against 0 at the end of B0, with cells 32 px apart.
    """

    block: str
    stage: int
    part: str
    name: str
    label: str
    kernel: int
    stride: int
    groups: int
    in_shape: Shape
    out_shape: Shape
    params: int
    macs: int
    receptive_field: int
    total_stride: int
    centre: float

    @property
    def activation_bytes(self) -> int:
        """Bytes written at inference, float32; drop-connect and dropout then do nothing."""
        if self.name in ("drop", "dropout"):
            return 0
        c, h, w = self.out_shape
        return c * h * w * BYTES_PER_VALUE

    @property
    def id(self) -> str:
        """Unique in a network, e.g. `4.2.se.reduce`."""
        return f"{self.block}.{self.part}.{self.name}"


class _Walker:
    """Carries the shape and the receptive field from one operation to the next."""

    def __init__(self, shape: Shape, activation: str, padding: Padding) -> None:
        self.shape = shape
        self.activation = activation
        self.padding = padding
        self.field, self.jump, self.centre = 1, 1, 0.0
        self.block, self.stage, self.part = STEM, 1, STEM

    def enter(self, block: str, stage: int) -> None:
        self.block, self.stage = block, stage

    def step(
        self,
        name: str,
        label: str,
        out_shape: Shape | None = None,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        params: int = 0,
        macs: int = 0,
        in_shape: Shape | None = None,
        branch: bool = False,
    ) -> Operation:
        """One operation; `branch` leaves the main tensor where it was."""
        before = in_shape or self.shape
        after = out_shape or before
        if not branch:
            self.centre += ((kernel - 1) / 2 - self._pad_before(kernel, stride)) * self.jump
            self.field += (kernel - 1) * self.jump
            self.jump *= stride
            self.shape = after
        return Operation(
            self.block, self.stage, self.part, name, label, kernel, stride, groups,
            before, after, params, macs, self.field, self.jump,
            self.centre,
        )  # fmt: skip

    def _pad_before(self, kernel: int, stride: int) -> int:
        """Zeros before the first row: k // 2, or TensorFlow's SAME, which puts the odd one last."""
        if self.padding == "symmetric":
            return kernel // 2
        size = self.shape[1]
        out = -(-size // stride)
        return max((out - 1) * stride + kernel - size, 0) // 2

    def conv_norm_act(
        self, part: str, out: int, kernel: int, stride: int = 1, depthwise: bool = False,
        act: bool = True,
    ) -> Iterator[Operation]:  # fmt: skip
        self.part = part
        c, h, w = self.shape
        size = -(-h // stride), -(-w // stride)
        groups = c if depthwise else 1
        weights = kernel * kernel * (c // groups) * out
        what = f"Depthwise conv {kernel}×{kernel}" if depthwise else f"Conv {kernel}×{kernel}"
        shape = (out, *size)
        yield self.step(
            "conv", what, shape, kernel=kernel, stride=stride, groups=groups,
            params=weights, macs=weights * size[0] * size[1],
        )  # fmt: skip
        yield self.step("norm", "Batch norm", params=2 * out)
        if act:
            yield self.step("act", self.activation)

    def squeeze_excite(self, reduced: int) -> Iterator[Operation]:
        self.part = "se"
        c = self.shape[0]
        pooled, narrow = (c, 1, 1), (reduced, 1, 1)

        def on_branch(
            name: str, label: str, before: Shape, after: Shape, params: int = 0, macs: int = 0
        ) -> Operation:
            return self.step(
                name, label, after, in_shape=before, params=params, macs=macs, branch=True
            )

        weights = c * reduced
        yield on_branch("squeeze", "Squeeze: mean over the map", self.shape, pooled)
        yield on_branch(
            "reduce", "Reduce: conv 1×1 + bias", pooled, narrow, weights + reduced, weights
        )
        yield on_branch("act", self.activation, narrow, narrow)
        yield on_branch("expand", "Expand: conv 1×1 + bias", narrow, pooled, weights + c, weights)
        yield on_branch("sigmoid", "Sigmoid: the gate", pooled, pooled)
        yield self.step("scale", "Scale: map × gate")

    def mbconv(self, block: Block) -> Iterator[Operation]:
        self.enter(block.id, block.stage)
        if block.expand_ratio != 1:
            yield from self.conv_norm_act("expand", block.expanded_channels, 1)
        yield from self.conv_norm_act(
            "depthwise", block.expanded_channels, block.kernel, block.stride, depthwise=True
        )
        if block.se_channels is not None:
            yield from self.squeeze_excite(block.se_channels)
        yield from self.conv_norm_act("project", block.out_channels, 1, act=False)
        if block.residual:
            self.part = "residual"
            if block.drop_connect > 0:
                yield self.step("drop", f"Drop-connect {block.drop_connect:.3g}")
            yield self.step("add", "Add the block's input")


def operations(spec: Spec) -> tuple[Operation, ...]:
    """Every operation of `spec`, in the order of computation."""
    r = spec.resolution
    walk = _Walker((spec.config.in_channels, r, r), spec.activation, spec.config.padding)
    ops = list(walk.conv_norm_act(STEM, spec.stem_channels, 3, spec.config.stem_stride))
    for block in spec.blocks:
        ops.extend(walk.mbconv(block))
    walk.enter(HEAD, 9)
    c = spec.head_channels
    ops.extend(walk.conv_norm_act(HEAD, c, 1))
    ops.append(walk.step("pool", "Global average pool", (c, 1, 1)))
    if spec.config.dropout > 0:
        ops.append(walk.step("dropout", f"Dropout {spec.config.dropout:g}"))
    n = spec.num_classes
    ops.append(walk.step("fc", "Fully connected + bias", (n, 1, 1), params=(c + 1) * n, macs=c * n))
    return tuple(ops)
