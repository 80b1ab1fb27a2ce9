"""Compound scaling: the law in phi, and the rounding that turns multipliers into a network.

The law (Tan and Le 2019, equation 3): depth alpha^phi, width beta^phi, resolution gamma^phi, with
alpha * beta^2 * gamma^2 close to 2, so that MACs grow about 2^phi. The paper found alpha = 1.2,
beta = 1.1, gamma = 1.15 at phi = 1 on B0. The released B1 to B7 are *not* this law at phi = 1..7:
their (width, depth, resolution) are a fixed list, see `variants.py`.

The rounding (official `efficientnet_model.py`): channels to the nearest multiple of 8, but one
multiple more when that would lose over 10 %; repeats up to the next whole number; SE channels
`max(1, int(block_input_channels * 0.25))`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

from effnet.architecture.spec import Block, Config, Spec, Stage, require
from effnet.errors import SpecError
from effnet.limits import LIMITS

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15
BASE_RESOLUTION = 224
DIVISOR = 8
SE_RATIO = 0.25


class BaseStage(NamedTuple):
    """A row of the paper's Table 1 for B0."""

    number: int
    repeats: int
    kernel: int
    stride: int
    expand_ratio: int
    channels: int


BASE_STEM, BASE_HEAD = 32, 1280
BASE_STAGES = (
    BaseStage(2, 1, 3, 1, 1, 16),
    BaseStage(3, 2, 3, 2, 6, 24),
    BaseStage(4, 2, 5, 2, 6, 40),
    BaseStage(5, 3, 3, 2, 6, 80),
    BaseStage(6, 3, 5, 1, 6, 112),
    BaseStage(7, 4, 5, 2, 6, 192),
    BaseStage(8, 1, 3, 1, 6, 320),
)


class Law(NamedTuple):
    """What the law says at one phi, before any rounding of channels and repeats."""

    phi: float
    width: float
    depth: float
    resolution: float

    @property
    def pixels(self) -> int:
        """The resolution as a whole number of pixels."""
        return round(self.resolution)


def check_constants(alpha: float, beta: float, gamma: float) -> None:
    """Refuse constants that the law does not allow.

    Raises:
        SpecError: unless each is a number from 1 to 3.
    """
    for name, value in (("alpha", alpha), ("beta", beta), ("gamma", gamma)):
        ok = isinstance(value, (int, float)) and math.isfinite(value) and 1 <= value <= 3
        require(
            ok,
            f"{name} must be a number from 1 to 3 (the paper asks for 1 or more), not {value!r}.",
        )


def law(phi: float, *, alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA) -> Law:
    """Width beta^phi, depth alpha^phi and resolution 224 * gamma^phi (px, not yet rounded).

    `phi` may be any real number; 0 is B0 and negative ones give smaller networks.

    Raises:
        SpecError: for constants out of range or a phi that is not a number from -60 to 60.
    """
    check_constants(alpha, beta, gamma)
    ok = isinstance(phi, (int, float)) and math.isfinite(phi) and -60 <= phi <= 60
    require(ok, f"phi must be a number from -60 to 60, not {phi!r}.")
    return Law(float(phi), beta**phi, alpha**phi, BASE_RESOLUTION * gamma**phi)


def cost_factor(alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA) -> float:
    """alpha * beta^2 * gamma^2: how much one step of phi multiplies the MACs, before rounding."""
    return float(alpha * beta**2 * gamma**2)


def round_channels(channels: int, width: float) -> int:
    """Channels times `width`, to a multiple of 8; never more than 10 % below the exact value."""
    exact = channels * width
    rounded = max(DIVISOR, int(exact + DIVISOR / 2) // DIVISOR * DIVISOR)
    if rounded < 0.9 * exact:
        rounded += DIVISOR
    return int(rounded)


def round_repeats(repeats: int, depth: float) -> int:
    """Repeats times `depth`, rounded up."""
    return math.ceil(depth * repeats)


def squeeze_channels(in_channels: int, expand_ratio: int, reduce_from: str = "input") -> int:
    """Width of the SE bottleneck: a quarter of the block's input channels (official rule).

    `reduce_from="expanded"` takes a quarter of the expanded channels instead, as many tutorials do.
    """
    base = in_channels if reduce_from == "input" else in_channels * expand_ratio
    return max(1, int(base * SE_RATIO))


def build(config: Config) -> Spec:
    """The network that follows from `config`.

    Raises:
        SpecError: when it would be beyond the limits (channels, blocks).
    """
    lite = config.lite
    # Bounds first, so that an absurd multiplier costs nothing.
    widest = BASE_HEAD if lite else max(BASE_HEAD, BASE_STAGES[-1].channels * 6)
    require(
        config.width * widest <= LIMITS.max_channels,
        f"Width {config.width:g} would give over {LIMITS.max_channels:,} channels; "
        "choose a smaller width or phi.",
    )
    total = sum(s.repeats for s in BASE_STAGES)
    require(
        config.depth * total <= LIMITS.max_blocks,
        f"Depth {config.depth:g} would give over {LIMITS.max_blocks:,} blocks; "
        "choose a smaller depth or phi.",
    )

    def repeats_of(row: BaseStage) -> int:
        fixed = lite and row.number in (BASE_STAGES[0].number, BASE_STAGES[-1].number)
        return row.repeats if fixed else round_repeats(row.repeats, config.depth)

    count = sum(repeats_of(row) for row in BASE_STAGES)
    stem = BASE_STEM if lite else round_channels(BASE_STEM, config.width)
    channels, size, index = stem, -(-config.resolution // config.stem_stride), 0
    stages = []
    for row in BASE_STAGES:
        out = round_channels(row.channels, config.width)
        blocks = []
        for repeat in range(1, repeats_of(row) + 1):
            se = squeeze_channels(channels, row.expand_ratio, config.se_reduce_from)
            block = Block(
                stage=row.number,
                repeat=repeat,
                kernel=row.kernel,
                stride=row.stride if repeat == 1 else 1,
                expand_ratio=row.expand_ratio,
                in_channels=channels,
                out_channels=out,
                se_channels=se if config.se else None,
                in_size=size,
                drop_connect=config.drop_connect * index / count,
            )
            blocks.append(block)
            channels, size, index = block.out_channels, block.out_size, index + 1
        stages.append(Stage(number=row.number, blocks=tuple(blocks)))
    head = BASE_HEAD if lite else round_channels(BASE_HEAD, config.width)
    return Spec(config=config, stem_channels=stem, stages=tuple(stages), head_channels=head)


def rebuild(spec: Spec, **changes: Any) -> Spec:
    """The same network with some fields of its `Config` changed, e.g. `resolution=380`."""
    unknown = set(changes) - set(spec.config.__dataclass_fields__)
    if unknown:
        raise SpecError(f"A network has no setting called {', '.join(sorted(unknown))}.")
    return build(replace(spec.config, **changes))


def scale(
    phi: float | None = None,
    *,
    alpha: float = ALPHA,
    beta: float = BETA,
    gamma: float = GAMMA,
    width: float | None = None,
    depth: float | None = None,
    resolution: int | None = None,
    name: str | None = None,
    lite: bool = False,
    **settings: Any,
) -> Spec:
    """A network by the law at `phi`, or by any width, depth and resolution.

    What is given by hand (`width`, `depth`, `resolution`) wins over the law; what neither says is
    B0's. Further keywords are fields of `Config`, e.g. `se_reduce_from="expanded"`.

    >>> scale(1).resolution, scale(1).params
    (258, 9109994)

    Raises:
        SpecError: in one sentence, for numbers that make no network.
    """
    known = set(Config.__dataclass_fields__) - {"phi", "alpha", "beta", "gamma"}
    if unknown := set(settings) - known:
        raise SpecError(f"A network has no setting called {', '.join(sorted(unknown))}.")
    if phi is None:
        provenance: dict[str, Any] = {}
        at = Law(0.0, 1.0, 1.0, float(BASE_RESOLUTION))
    else:
        at = law(phi, alpha=alpha, beta=beta, gamma=gamma)
        provenance = {"phi": float(phi), "alpha": alpha, "beta": beta, "gamma": gamma}
        if resolution is None:
            low, high = LIMITS.min_resolution, LIMITS.max_resolution
            require(
                low <= at.pixels <= high,
                f"phi = {phi:g} gives a resolution of {at.pixels:,} px; "
                f"choose a phi that stays within {low} to {high:,} px.",
            )
    label = name or (f"phi{phi:g}" if phi is not None else "custom")
    settings.setdefault("se", not lite)
    return build(
        Config(
            name=f"lite-{label}" if lite and name is None else label,
            width=at.width if width is None else width,
            depth=at.depth if depth is None else depth,
            resolution=at.pixels if resolution is None else resolution,
            lite=lite,
            **provenance,
            **settings,
        )
    )
