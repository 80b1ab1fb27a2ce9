"""One MBConv block, and a stage of them.

Sizes are in pixels (square maps), channels are counts, MACs are multiply-accumulates of one
picture's convolutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from effnet.architecture.config import require
from effnet.errors import SpecError
from effnet.limits import LIMITS


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
