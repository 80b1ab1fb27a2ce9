"""What an EfficientNet is, as frozen data that checks itself.

`Config` (`config.py`) is the handful of numbers that a network is made from; `Spec` is what follows
from them: nine stages as in Table 1 of Tan and Le (2019, arXiv 1905.11946v5): stage 1 is the stem,
stages 2 to 8 hold the MBConv blocks (`block.py`), stage 9 is the head. A block's address is
`stage.repeat`: `4.2` is the second block of stage 4. `scaling.build` makes a Spec from a Config.

Sizes are in pixels (square maps), channels are counts, costs are for one picture: MACs are
multiply-accumulates of convolutions and the linear layer (the paper prints these as "FLOPs");
activation bytes are what the operations write, in 32-bit floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from effnet.architecture.block import Block, Stage
from effnet.architecture.config import Config, Padding, SEFrom, require
from effnet.errors import SpecError
from effnet.limits import LIMITS

if TYPE_CHECKING:
    from effnet.architecture.operations import Operation

__all__ = [
    "HEAD", "STEM", "Block", "Config", "Cost", "Padding", "SEFrom", "Spec", "Stage", "require",
]  # fmt: skip

STEM, HEAD = "stem", "head"


class Cost(NamedTuple):
    """Parameters (trainable), MACs and activation bytes of one picture in float32."""

    params: int
    macs: int
    activation_bytes: int

    def plus(self, other: Cost) -> Cost:
        return Cost(*(a + b for a, b in zip(self, other, strict=True)))


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
