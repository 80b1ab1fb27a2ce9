"""The numbers of the comments: a network's name, a block's shapes, parameters and rates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from effnet.architecture.operations import Operation, Shape
from effnet.architecture.spec import Block, Config, Spec
from effnet.architecture.variants import RELEASED, VARIANTS

SETTINGS = {
    "width": "width",
    "depth": "depth",
    "se": "squeeze-and-excitation",
    "se_reduce_from": "SE width a quarter of",
    "padding": "padding",
    "bn_eps": "BN epsilon",
    "bn_momentum": "BN momentum (as PyTorch counts it)",
    "drop_connect": "drop-connect",
    "stem_stride": "stem stride",
}
"""Fields of `Config` whose difference from the released network a text must confess."""

BASES = {"input": "the block's input channels", "expanded": "the expanded channels"}


def label(name: str) -> str:
    """A network's name as it may stand in source code: plain characters only, 30 at most.

    >>> label("b0"), label("lite-phi1"), label('x"; import os')
    ('B0', 'lite-phi1', 'x import os')
    """
    if name in VARIANTS:
        return name.capitalize()
    return re.sub(r"[^A-Za-z0-9 ._+-]", "", name)[:30].strip() or "network"


def slug(name: str) -> str:
    """The name as part of a file's or a model's name: a-z, 0-9 and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", label(name).lower()).strip("_") or "network"


def literal(value: float) -> str:
    """A Python literal of exactly this number, as a person writes it.

    >>> literal(1e-05), literal(0.001), literal(0.01), literal(0.99)
    ('1e-5', '1e-3', '0.01', '0.99')
    """
    short = f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e+")
    if 0 < abs(value) < 0.01 and float(short) == value:
        return short
    return repr(value)


def keras_momentum(config: Config) -> float:
    """Momentum as Keras and TensorFlow count it: the weight of the old mean."""
    return round(1 - config.bn_momentum, 12)


def differences(spec: Spec) -> list[str]:
    """One sentence that names every setting that is not the official one; none when all are."""
    own = spec.config
    official = Config(
        name=own.name, lite=own.lite, se=not own.lite, width=own.width, depth=own.depth
    )
    if own.name in RELEASED:
        official = VARIANTS[own.name]

    def words(value: Any) -> str:
        if isinstance(value, bool):
            return "on" if value else "off"
        return BASES.get(value, value) if isinstance(value, str) else literal(value)

    changed = [
        f"{words_for} {words(getattr(own, field))} instead of {words(getattr(official, field))}"
        for field, words_for in SETTINGS.items()
        if getattr(own, field) != getattr(official, field)
    ]
    return [f"Not the official settings: {', '.join(changed)}."] if changed else []


@dataclass(frozen=True)
class Facts:
    """The numbers of one block of `spec`; without a block, names that hold for every block.

    Attributes:
        channels_last: shapes as Keras has them, (N, H, W, C); else as PyTorch, (N, C, H, W).
    """

    spec: Spec
    block: Block | None
    channels_last: bool

    def number(self, field: str, name: str) -> str:
        """The block's value of `field`, or `name` where no block is meant."""
        return name if self.block is None else str(getattr(self.block, field))

    @property
    def into(self) -> str:
        return self.number("in_channels", "in_channels")

    @property
    def wide(self) -> str:
        return self.number("expanded_channels", "wide")

    @property
    def out(self) -> str:
        return self.number("out_channels", "out_channels")

    @property
    def reduced(self) -> str:
        return self.number("se_channels", "reduced")

    def shape(self, channels: object, size: object = None) -> str:
        """A shape as the framework has it: of a map of `size` px, or of "H" by "W"."""
        sides = f"{size}, {size}" if size is not None else "H, W"
        return f"(N, {sides}, {channels})" if self.channels_last else f"(N, {channels}, {sides})"

    def map(self, channels: str, *, after: bool = True) -> str:
        """The shape of the block's map before or after its depthwise step."""
        if self.block is not None:
            return self.shape(channels, self.block.out_size if after else self.block.in_size)
        shape = self.shape(channels)
        return shape.replace("H, W", "H', W'") if after else shape

    def of(self, shape: Shape) -> str:
        """An operation's shape."""
        return self.shape(shape[0], shape[1])

    @property
    def the_block(self) -> Block:
        """The block, where there must be one."""
        assert self.block is not None
        return self.block

    @property
    def se_from_expanded(self) -> bool:
        return self.spec.config.se_reduce_from == "expanded"

    @property
    def same(self) -> bool:
        """Padding as TensorFlow pads; else symmetric."""
        return self.spec.config.padding == "same"

    @property
    def drop_connect(self) -> str:
        return literal(self.spec.config.drop_connect)

    @property
    def named(self) -> str:
        """`EfficientNet-B0`."""
        return f"EfficientNet-{label(self.spec.name)}"

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        return () if self.block is None else self.spec.operations_of(self.block.id)

    def params(self, part: str, name: str = "") -> str:
        """`3,744 parameters` of a part of the block; empty without a block."""
        ops = [op for op in self.operations if op.part == part and name in ("", op.name)]
        return f"{sum(op.params for op in ops):,} parameters" if ops else ""

    def drop_rate(self) -> tuple[str, str]:
        """The block's drop-connect rate as an expression, and what it means."""
        block = self.the_block
        index, count = self.spec.block_ids.index(block.id), len(self.spec.blocks)
        note = f"{block.drop_connect:.3g}; block {index} of {count}, counted from 0"
        if not block.residual:
            note = "unused: only a residual block drops"
        return f"{self.drop_connect} * {index} / {count}", note

    def keras_prefix(self) -> str:
        """`block3b_` for block 4.2: keras.applications counts MBConv stages from 1, letters repeats."""
        block = self.the_block
        letter = chr(96 + block.repeat) if block.repeat <= 26 else f"_{block.repeat}"
        return f"block{block.stage - 1}{letter}_"
