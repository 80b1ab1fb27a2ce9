"""The handful of numbers that a network is made from.

Sizes are in pixels (square maps), channels are counts.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from effnet.errors import SpecError
from effnet.limits import LIMITS

Padding = Literal["same", "symmetric"]
SEFrom = Literal["input", "expanded"]


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
