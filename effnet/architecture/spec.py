"""What an EfficientNet is, as frozen data that checks itself.

`Config` is the handful of numbers that a network is made from; `Spec` is what follows from them:
nine stages as in Table 1 of Tan and Le (2019, arXiv 1905.11946v5): stage 1 is the stem, stages 2
to 8 hold the MBConv blocks, stage 9 is the head. A block's address is `stage.repeat`: `4.2` is the
second block of stage 4. `scaling.build` makes a Spec from a Config.

Sizes are in pixels (square maps), channels are counts, costs are for one picture:
MACs are multiply-accumulates of convolutions and the linear layer (the paper prints these as
"FLOPs"); activation bytes are what the operations write, in 32-bit floats.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from effnet.errors import SpecError
from effnet.limits import LIMITS

if TYPE_CHECKING:
    from effnet.architecture.operations import Operation

Padding = Literal["same", "symmetric"]
SEFrom = Literal["input", "expanded"]

STEM, HEAD = "stem", "head"


class Cost(NamedTuple):
    """Parameters (trainable), MACs and activation bytes of one picture in float32."""

    params: int
    macs: int
    activation_bytes: int

    def plus(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(self, other, strict=True)))


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def require(ok: bool, sentence: str) -> None:
    """Raise `SpecError(sentence)` unless `ok`."""
    if not ok:
        raise SpecError(sentence)


@dataclass(frozen=True, kw_only=True)
class Config:
    """The numbers that make a network; everything else is derived.

    Attributes:
        name: what the network is called, e.g. `b0`.
        width: channel multiplier; channels are then rounded to multiples of 8.
        depth: repeat multiplier; repeats are then rounded up.
        resolution: input height and width, px.
        lite: EfficientNet-Lite rules (no SE, ReLU6, stem and head unscaled, first and last MBConv
            stage not repeated).
        se: whether blocks have squeeze-and-excitation; Lite never has.
        se_reduce_from: the SE width is a quarter of the block's *input* channels (official) or of
            its *expanded* channels (the common mistake).
        padding: `same` as TensorFlow pads (more at the bottom and right), or `symmetric` k//2.
        bn_eps, bn_momentum: batch normalisation, momentum in PyTorch's sense (official 0.01).
        dropout: before the classifier. drop_connect: stochastic depth rate of the last block.
        phi, alpha, beta, gamma: where width and depth came from, when the law made them.
    """

    name: str
    width: float = 1.0
    depth: float = 1.0
    resolution: int = 224
    lite: bool = False
    se: bool = True
    se_reduce_from: SEFrom = "input"
    padding: Padding = "same"
    bn_eps: float = 1e-3
    bn_momentum: float = 0.01
    dropout: float = 0.2
    drop_connect: float = 0.2
    num_classes: int = 1000
    in_channels: int = 3
    stem_stride: int = 2
    phi: float | None = None
    alpha: float | None = None
    beta: float | None = None
    gamma: float | None = None

    def __post_init__(self) -> None:
        require(
            isinstance(self.name, str) and 0 < len(self.name) <= LIMITS.label_chars,
            "A network needs a name of 1 to 200 characters.",
        )
        for label in ("width", "depth"):
            value = getattr(self, label)
            require(
                _finite(value) and value > 0,
                f"The {label} multiplier must be a number above 0, not {value!r}.",
            )
        low, high = LIMITS.min_resolution, LIMITS.max_resolution
        require(
            isinstance(self.resolution, int) and low <= self.resolution <= high,
            f"The resolution must be a whole number of pixels from {low} to {high}, "
            f"not {self.resolution!r}.",
        )
        require(
            self.se_reduce_from in ("input", "expanded"),
            f"SE channels are taken from 'input' or 'expanded', not {self.se_reduce_from!r}.",
        )
        require(
            self.padding in ("same", "symmetric"),
            f"The padding is 'same' or 'symmetric', not {self.padding!r}.",
        )
        require(
            _finite(self.bn_eps) and 0 < self.bn_eps < 1,
            f"The BN epsilon must lie between 0 and 1, not {self.bn_eps!r}.",
        )
        require(
            _finite(self.bn_momentum) and 0 < self.bn_momentum <= 1,
            f"The BN momentum must lie between 0 and 1, not {self.bn_momentum!r}.",
        )
        for label in ("dropout", "drop_connect"):
            value = getattr(self, label)
            require(
                _finite(value) and 0 <= value < 1,
                f"The {label.replace('_', '-')} rate must lie between 0 and 1, not {value!r}.",
            )
        require(
            isinstance(self.num_classes, int) and 1 <= self.num_classes <= LIMITS.max_classes,
            f"The number of classes must be from 1 to {LIMITS.max_classes}, "
            f"not {self.num_classes!r}.",
        )
        require(
            self.in_channels in (1, 3) and self.stem_stride in (1, 2),
            "A network takes 1 or 3 input channels and its stem has stride 1 or 2.",
        )
        require(not (self.lite and self.se), "EfficientNet-Lite has no squeeze-and-excitation.")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `Config(**d)` is the way back."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One MBConv: expand 1x1 (absent at ratio 1), depthwise kxk, SE (absent in Lite), project 1x1.

    Raises:
        SpecError: when the numbers cannot be a block.
    """

    stage: int
    repeat: int
    kernel: int
    stride: int
    expand_ratio: int
    in_channels: int
    out_channels: int
    se_channels: int | None
    in_size: int
    drop_connect: float

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise SpecError(f"Block {self.stage}.{self.repeat}{problem}")

    def _problem(self) -> str:
        """What is wrong with the numbers; a slider builds thousands of blocks, so only then in words."""
        if not (2 <= self.stage <= 8 and self.repeat >= 1):
            return " is not in stages 2 to 8."
        if self.kernel not in (3, 5, 7):
            return f": kernel {self.kernel} is not 3, 5 or 7."
        if self.stride not in (1, 2):
            return f": stride {self.stride} is not 1 or 2."
        if self.expand_ratio < 1:
            return ": the expand ratio must be 1 or more."
        if self.in_channels < 1 or self.out_channels < 1 or self.in_size < 1:
            return " has no channels or no pixels."
        widest = max(self.in_channels * self.expand_ratio, self.out_channels)
        if widest > LIMITS.max_channels:
            return (
                f" would have {widest:,} channels; choose a smaller width "
                f"(at most {LIMITS.max_channels:,} channels)."
            )
        if self.se_channels is not None and self.se_channels < 1:
            return ": squeeze-and-excitation needs at least one channel."
        if not 0 <= self.drop_connect < 1:
            return ": drop-connect must lie between 0 and 1."
        return ""

    @property
    def id(self) -> str:
        """The address `stage.repeat`."""
        return f"{self.stage}.{self.repeat}"

    @property
    def kind(self) -> str:
        """`MBConv1` or `MBConv6`, after the expand ratio."""
        return f"MBConv{self.expand_ratio}"

    @property
    def expanded_channels(self) -> int:
        return self.in_channels * self.expand_ratio

    @property
    def residual(self) -> bool:
        """True when the block's input is added to its output: same size and same channels."""
        return self.stride == 1 and self.in_channels == self.out_channels

    @property
    def out_size(self) -> int:
        """ceil(in / stride): equal for both paddings and every kernel used here."""
        return -(-self.in_size // self.stride)

    @property
    def params(self) -> int:
        """Trainable parameters; only the two SE convolutions have biases, BN has two per channel."""
        c, e, o, r = self.in_channels, self.expanded_channels, self.out_channels, self.se_channels
        expand = c * e + 2 * e if self.expand_ratio != 1 else 0
        depthwise = self.kernel**2 * e + 2 * e
        se = 0 if r is None else 2 * e * r + r + e
        return expand + depthwise + se + e * o + 2 * o

    @property
    def se_params(self) -> int:
        e, r = self.expanded_channels, self.se_channels
        return 0 if r is None else 2 * e * r + r + e

    @property
    def macs(self) -> int:
        c, e, o, r = self.in_channels, self.expanded_channels, self.out_channels, self.se_channels
        expand = c * e * self.in_size**2 if self.expand_ratio != 1 else 0
        return expand + (self.kernel**2 * e + e * o) * self.out_size**2 + 2 * e * (r or 0)

    def to_dict(self) -> dict[str, Any]:
        """The block as the command line prints it; `se_channels` is None without SE."""
        return {
            "id": self.id,
            "stage": self.stage,
            "repeat": self.repeat,
            "kind": self.kind,
            "kernel": self.kernel,
            "stride": self.stride,
            "expand_ratio": self.expand_ratio,
            "in_channels": self.in_channels,
            "expanded_channels": self.expanded_channels,
            "se_channels": self.se_channels,
            "out_channels": self.out_channels,
            "residual": self.residual,
            "drop_connect": self.drop_connect,
            "in_size": self.in_size,
            "out_size": self.out_size,
            "params": self.params,
            "macs": self.macs,
        }


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One MBConv stage (2 to 8): blocks that differ only in their first."""

    number: int
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        require(len(self.blocks) >= 1, f"Stage {self.number} has no blocks.")
        for repeat, block in enumerate(self.blocks, start=1):
            if (block.stage, block.repeat) != (self.number, repeat):
                raise SpecError(f"Stage {self.number} holds a block that calls itself {block.id}.")
            if repeat > 1 and (block.stride != 1 or block.in_channels != block.out_channels):
                raise SpecError(
                    f"Block {block.id} must keep the size and the channels of its stage."
                )

    @property
    def first(self) -> Block:
        return self.blocks[0]

    @property
    def repeats(self) -> int:
        return len(self.blocks)

    @property
    def operator(self) -> str:
        """As Table 1 prints it, e.g. `MBConv6, k5x5`."""
        return f"{self.first.kind}, k{self.first.kernel}x{self.first.kernel}"

    @property
    def out_channels(self) -> int:
        return self.blocks[-1].out_channels

    @property
    def out_size(self) -> int:
        return self.blocks[-1].out_size


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A whole network. Make one with `effnet.spec_for` or `effnet.scale`, not by hand."""

    config: Config
    stem_channels: int
    stages: tuple[Stage, ...]
    head_channels: int

    def __post_init__(self) -> None:
        require(
            tuple(s.number for s in self.stages) == tuple(range(2, 9)),
            "A network has the MBConv stages 2 to 8, in this order.",
        )
        count = len(self.blocks)
        require(
            count <= LIMITS.max_blocks,
            f"This network would have {count:,} blocks; choose a smaller depth "
            f"(at most {LIMITS.max_blocks:,} blocks).",
        )
        require(
            max(self.head_channels, self.stem_channels) <= LIMITS.max_channels,
            f"The head would have {self.head_channels:,} channels; choose a smaller width "
            f"(at most {LIMITS.max_channels:,} channels).",
        )
        channels, size = self.stem_channels, self.stem_size
        for block in self.blocks:
            require(
                (block.in_channels, block.in_size) == (channels, size),
                f"Block {block.id} does not fit the block before it.",
            )
            channels, size = block.out_channels, block.out_size

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def width(self) -> float:
        return self.config.width

    @property
    def depth(self) -> float:
        return self.config.depth

    @property
    def resolution(self) -> int:
        return self.config.resolution

    @property
    def num_classes(self) -> int:
        return self.config.num_classes

    @property
    def has_se(self) -> bool:
        return self.config.se

    @property
    def activation(self) -> Literal["SiLU", "ReLU6"]:
        return "ReLU6" if self.config.lite else "SiLU"

    @property
    def stem_size(self) -> int:
        """Height and width after the stem, px."""
        return -(-self.resolution // self.config.stem_stride)

    @property
    def head_size(self) -> int:
        """Height and width of the last feature map, px."""
        return self.blocks[-1].out_size

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """All MBConv blocks in order."""
        return tuple(block for stage in self.stages for block in stage.blocks)

    @cached_property
    def block_ids(self) -> tuple[str, ...]:
        return tuple(block.id for block in self.blocks)

    @cached_property
    def _by_id(self) -> dict[str, Block]:
        return {block.id: block for block in self.blocks}

    def block(self, block_id: str) -> Block:
        """The block at an address such as `4.2`.

        Raises:
            SpecError: when this network has no such block; the sentence names those it has.
        """
        found = self._by_id.get(block_id)
        if found is None:
            known = ", ".join(
                f"{s.number}.1" + (f" to {s.number}.{s.repeats}" if s.repeats > 1 else "")
                for s in self.stages
            )
            raise SpecError(f"{self.name} has no block {block_id!r:.40}; its blocks are {known}.")
        return found

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """Every operation from the input to the logits, in order (see `operations.py`)."""
        from effnet.architecture.operations import operations

        return operations(self)

    def operations_of(self, part: str) -> tuple[Operation, ...]:
        """The operations of one block (`4.2`), of the `stem` or of the `head`."""
        if part not in (STEM, HEAD):
            self.block(part)
        return self._operations_by_part[part]

    @cached_property
    def _operations_by_part(self) -> dict[str, tuple[Operation, ...]]:
        found: dict[str, list[Operation]] = {}
        for op in self.operations:
            found.setdefault(op.block, []).append(op)
        return {part: tuple(ops) for part, ops in found.items()}

    def cost(self, part: str | int | None = None) -> Cost:
        """Cost of a block or part (`4.2`, `stem`, `head`), of a stage (1..9) or of the network."""
        if part is None:
            ops = self.operations
        elif isinstance(part, int):
            require(1 <= part <= 9, f"Stages are numbered 1 to 9; there is no stage {part}.")
            ops = tuple(op for op in self.operations if op.stage == part)
        else:
            ops = self.operations_of(part)
        return Cost(
            sum(op.params for op in ops),
            sum(op.macs for op in ops),
            sum(op.activation_bytes for op in ops),
        )

    @cached_property
    def params(self) -> int:
        """Trainable parameters of the whole network."""
        stem = self.config.in_channels * 9 * self.stem_channels + 2 * self.stem_channels
        last = self.blocks[-1].out_channels
        head = (last + 2) * self.head_channels + (self.head_channels + 1) * self.num_classes
        return stem + sum(block.params for block in self.blocks) + head

    @cached_property
    def macs(self) -> int:
        """MACs of one picture at the spec's resolution."""
        stem = self.config.in_channels * 9 * self.stem_channels * self.stem_size**2
        head = self.blocks[-1].out_channels * self.head_channels * self.head_size**2
        blocks = sum(block.macs for block in self.blocks)
        return stem + blocks + head + self.head_channels * self.num_classes

    @property
    def se_params(self) -> int:
        """Parameters that belong to squeeze-and-excitation."""
        return sum(block.se_params for block in self.blocks)

    @property
    def se_macs(self) -> int:
        return sum(2 * b.expanded_channels * (b.se_channels or 0) for b in self.blocks)

    def to_dict(self) -> dict[str, Any]:
        """The network as plain JSON values, as `python -m effnet spec NAME --json` prints it."""
        return {
            "name": self.name,
            "width": self.width,
            "depth": self.depth,
            "resolution": self.resolution,
            "params": self.params,
            "macs": self.macs,
            "config": self.config.to_dict(),
            "stages": self.stage_rows(),
            "blocks": [block.to_dict() for block in self.blocks],
        }

    def stage_rows(self) -> list[dict[str, Any]]:
        """Table 1 of the paper for this network: one row a stage, 1 (stem) to 9 (head).

        `resolution` is the stage's input size, as in the paper; `stride` is the first block's.
        """
        rows = [
            {
                "stage": 1,
                "operator": "Conv, k3x3",
                "resolution": self.resolution,
                "out_size": self.stem_size,
                "channels": self.stem_channels,
                "repeats": 1,
                "stride": self.config.stem_stride,
                "se_channels": [],
            }
        ]
        for s in self.stages:
            rows.append(
                {
                    "stage": s.number,
                    "operator": s.operator,
                    "resolution": s.first.in_size,
                    "out_size": s.out_size,
                    "channels": s.out_channels,
                    "repeats": s.repeats,
                    "stride": s.first.stride,
                    "se_channels": [b.se_channels for b in s.blocks if b.se_channels is not None],
                }
            )
        rows.append(
            {
                "stage": 9,
                "operator": "Conv, k1x1 & Pooling & FC",
                "resolution": self.head_size,
                "out_size": 1,
                "channels": self.head_channels,
                "repeats": 1,
                "stride": 1,
                "se_channels": [],
            }
        )
        for row in rows:
            cost = self.cost(int(str(row["stage"])))
            row.update(params=cost.params, macs=cost.macs, activation_bytes=cost.activation_bytes)
        return rows
