"""How far the released networks follow the law, and what growing really costs.

The law sets depth, width and resolution by one number phi. Turned around, each of the three
multipliers of a released network implies a phi of its own: log_alpha(depth), log_beta(width),
log_gamma(resolution / 224). Were the network a point of the law, the three would agree.

Source of the multipliers: `variants.py`. Source of the law: Tan and Le (2019), equation 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from effnet.architecture.scaling import (
    ALPHA,
    BASE_HEAD,
    BASE_RESOLUTION,
    BASE_STAGES,
    BASE_STEM,
    BETA,
    GAMMA,
    check_constants,
    cost_factor,
    round_channels,
    round_repeats,
    scale,
)
from effnet.architecture.spec import Config, Spec
from effnet.architecture.variants import VARIANTS, spec_for
from effnet.errors import SpecError

AXES = ("depth", "width", "resolution")
SCALED = ("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "l2")
"""The released networks that are B0 made larger, in order."""
LARGEST_PHI = 60.0

Range = tuple[float, float]


class ImpliedPhi(NamedTuple):
    """The phi that each multiplier of a network implies.

    Attributes:
        name: of the network. depth, width: its multipliers. resolution: px.
        phi_depth, phi_width, phi_resolution: None where the constant is 1, since the law then
            never moves that axis and no phi can be read from it.
    """

    name: str
    depth: float
    width: float
    resolution: int
    phi_depth: float | None
    phi_width: float | None
    phi_resolution: float | None

    @property
    def values(self) -> tuple[float, ...]:
        """Those of the three that exist."""
        three = (self.phi_depth, self.phi_width, self.phi_resolution)
        return tuple(phi for phi in three if phi is not None)

    @property
    def spread(self) -> float:
        """Largest minus smallest: 0 for a point of the law."""
        return max(self.values, default=0.0) - min(self.values, default=0.0)


def _log(value: float, base: float) -> float | None:
    return None if base == 1 else math.log(value) / math.log(base)


def implied_phi(
    network: Config, *, alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA
) -> ImpliedPhi:
    """What phi each multiplier of `network` implies.

    >>> [round(phi, 3) for phi in implied_phi(VARIANTS["b1"]).values]
    [0.523, 0.0, 0.494]

    Raises:
        SpecError: for constants out of range.
    """
    check_constants(alpha, beta, gamma)
    return ImpliedPhi(
        network.name, network.depth, network.width, network.resolution,
        _log(network.depth, alpha), _log(network.width, beta),
        _log(network.resolution / BASE_RESOLUTION, gamma),
    )  # fmt: skip


# --- after rounding --------------------------------------------------------------------------


class Fit(NamedTuple):
    """The phis that give a network its repeats, its channels and its pixels, after rounding.

    Each is (low, high), or None when no phi does. `common` holds the phis that do all three:
    only these give the network.
    """

    name: str
    depth: Range | None
    width: Range | None
    resolution: Range | None
    common: Range | None


def _first(true_from: Callable[[float], bool]) -> float:
    """The smallest phi for which a condition holds that stays true once it is."""
    low, high = -LARGEST_PHI, LARGEST_PHI
    if true_from(low):
        return -math.inf
    if not true_from(high):
        return math.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if true_from(middle) else (middle, high)
    return high


def _range(values: Callable[[float], list[int]], wanted: list[int]) -> Range | None:
    def reached(phi: float) -> bool:
        return all(v >= w for v, w in zip(values(phi), wanted, strict=True))

    def passed(phi: float) -> bool:
        return any(v > w for v, w in zip(values(phi), wanted, strict=True))

    low, high = _first(reached), _first(passed)
    return (low, high) if low < high else None


@lru_cache(maxsize=256)
def fit(name: str, *, alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA) -> Fit:
    """Whether some phi gives a released network once channels, repeats and pixels are rounded.

    Args:
        name: one of `SCALED`.

    Raises:
        SpecError: for constants out of range or a network that is not B0 made larger.
    """
    check_constants(alpha, beta, gamma)
    if name not in SCALED:
        raise SpecError(f"{name!r:.40} is not B0 made larger; choose one of {', '.join(SCALED)}.")
    config = VARIANTS[name]
    bases = [BASE_STEM, *(row.channels for row in BASE_STAGES), BASE_HEAD]
    counts = [row.repeats for row in BASE_STAGES]
    depth = _range(
        lambda phi: [round_repeats(n, alpha**phi) for n in counts],
        [round_repeats(n, config.depth) for n in counts],
    )
    width = _range(
        lambda phi: [round_channels(c, beta**phi) for c in bases],
        [round_channels(c, config.width) for c in bases],
    )
    resolution = _range(lambda phi: [round(BASE_RESOLUTION * gamma**phi)], [config.resolution])
    common = None
    if depth and width and resolution:
        low = max(depth[0], width[0], resolution[0])
        high = min(depth[1], width[1], resolution[1])
        common = (low, high) if low < high else None
    return Fit(name, depth, width, resolution, common)


def verdict(alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA) -> str:
    """Plain words: which of B1 to B7 the law gives with these constants.

    Raises:
        SpecError: for constants out of range.
    """
    fits = [fit(name, alpha=alpha, beta=beta, gamma=gamma) for name in SCALED[1:8]]
    given = [f for f in fits if f.common]
    if not given:
        return (
            "With these constants no single phi gives any of B1 to B7, not even after channels, "
            "repeats and pixels are rounded. The released triples are a list, not points of the law."
        )
    found = ", ".join(f"{f.name.upper()} (phi {_inside(f.common):g})" for f in given if f.common)
    others = "" if len(given) == len(fits) else " No phi gives the others."
    return f"With these constants the law gives {found}.{others}"


def _inside(found: Range) -> float:
    """The shortest number in a range."""
    low, high = max(found[0], -LARGEST_PHI), min(found[1], LARGEST_PHI)
    middle = (low + high) / 2
    for digits in range(6):
        if low <= round(middle, digits) < high:
            return round(middle, digits)
    return middle


# --- what it costs ---------------------------------------------------------------------------


class Growth(NamedTuple):
    """What a network costs beside B0.

    Attributes:
        macs: of one picture at the network's own resolution. ratio: to B0's.
        doublings: log2(ratio). phi_by_cost: the phi at which the law, before rounding, costs as
            much; None when alpha * beta^2 * gamma^2 is 1.
    """

    name: str
    macs: int
    ratio: float
    doublings: float
    phi_by_cost: float | None


def growth(spec: Spec, *, alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA) -> Growth:
    """How much more than B0 a network computes.

    >>> round(growth(spec_for("b7")).doublings, 3)
    6.612
    """
    ratio = spec.macs / spec_for("b0").macs
    factor = cost_factor(alpha, beta, gamma)
    return Growth(spec.name, spec.macs, ratio, math.log2(ratio), _log(ratio, factor))


@lru_cache(maxsize=32)
def law_growth(
    low: float, high: float, steps: int, alpha: float = ALPHA, beta: float = BETA,
    gamma: float = GAMMA,
) -> tuple[tuple[float, float], ...]:  # fmt: skip
    """(phi, MACs over B0's MACs) of the law's own networks, rounding included.

    A phi whose network is beyond the limits is left out.

    Raises:
        SpecError: for constants out of range.
    """
    check_constants(alpha, beta, gamma)
    base, points = spec_for("b0").macs, []
    for i in range(steps):
        phi = low + (high - low) * i / max(1, steps - 1)
        try:
            points.append((phi, scale(phi, alpha=alpha, beta=beta, gamma=gamma).macs / base))
        except SpecError:
            continue
    return tuple(points)
