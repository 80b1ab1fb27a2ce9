"""One axis scaled alone until it costs as much as another network.

Compound scaling is worth its name only beside its rivals: B0 made deeper only, wider only, or fed
with larger pictures only, for the same MACs. MACs move in steps (whole blocks, multiples of 8,
whole pixels), so an equal cost is rarely met; the nearest network is found and its real cost is
reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from effnet.architecture.growth import AXES
from effnet.architecture.published import OneAxis, one_axis
from effnet.architecture.scaling import BASE_HEAD, BASE_RESOLUTION, BASE_STAGES, scale
from effnet.architecture.spec import Spec, require
from effnet.errors import SpecError
from effnet.limits import LIMITS

_LOW = {"depth": 0.01, "width": 0.01, "resolution": LIMITS.min_resolution / BASE_RESOLUTION}
_HIGH = {  # just beyond what the limits allow
    "depth": 1.01 * LIMITS.max_blocks / sum(row.repeats for row in BASE_STAGES),
    "width": 1.01 * LIMITS.max_channels / BASE_HEAD,
    "resolution": 1.01 * LIMITS.max_resolution / BASE_RESOLUTION,
}
_LIMIT = {
    "depth": f"{LIMITS.max_blocks:,} blocks",
    "width": f"{LIMITS.max_channels:,} channels",
    "resolution": f"{LIMITS.min_resolution} to {LIMITS.max_resolution:,} px",
}


@dataclass(frozen=True)
class Alone:
    """B0 with one axis scaled.

    Attributes:
        axis: depth, width or resolution. factor: its multiplier (of 224 px for the resolution).
        spec: the network. target: the MACs that were asked for.
        reached: False when the nearest cost would need a network beyond the limits.
    """

    axis: str
    factor: float
    spec: Spec
    target: int
    reached: bool

    @property
    def ratio(self) -> float:
        """MACs of this network over the MACs asked for."""
        return self.spec.macs / self.target

    @property
    def said(self) -> str:
        """How near it came, in one sentence."""
        if not self.reached:
            limit = _LIMIT[self.axis]
            return f"{self.axis.capitalize()} alone cannot cost as much within {limit}."
        return f"{self.axis.capitalize()} ×{self.factor:.4g}: {100 * self.ratio:.1f} % of the MACs."


def along(axis: str, factor: float) -> Spec:
    """B0 with one axis multiplied, the other two as they are.

    Raises:
        SpecError: for an unknown axis or a factor that gives no network.
    """
    require(axis in AXES, f"An axis is depth, width or resolution, not {axis!r:.40}.")
    require(math.isfinite(factor) and factor > 0, f"A factor is a number above 0, not {factor!r}.")
    name = f"b0, {axis} x{factor:.4g}"
    if axis == "depth":
        return scale(depth=factor, name=name)
    if axis == "width":
        return scale(width=factor, name=name)
    return scale(resolution=round(BASE_RESOLUTION * factor), name=name)


def _macs(axis: str, factor: float) -> float:
    try:
        return along(axis, factor).macs
    except SpecError:
        return math.inf


@lru_cache(maxsize=256)
def alone(axis: str, target: int) -> Alone:
    """The network with only `axis` scaled whose MACs come nearest to `target`.

    The factor is found by bisection on the steps of the MACs, then written with as few digits as
    still give this network.

    Raises:
        SpecError: for an unknown axis or a target below 1.
    """
    require(axis in AXES, f"An axis is depth, width or resolution, not {axis!r:.40}.")
    require(target >= 1, f"MACs are counted from 1, not {target!r}.")
    low, high = _LOW[axis], _HIGH[axis]
    if _macs(axis, low) >= target:
        return _found(axis, low, target, reached=_macs(axis, low) == target)
    for _ in range(40):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if _macs(axis, middle) >= target else (middle, high)
    below, above = _macs(axis, low), _macs(axis, high)
    if math.isinf(above):
        return _found(axis, low, target, reached=False)
    nearest = high if above / target <= target / below else low
    return _found(axis, nearest, target, reached=True)


def _found(axis: str, factor: float, target: int, *, reached: bool) -> Alone:
    """The network at `factor`, with the shortest number that gives it.

    Just above a step the shortest number may lie on the step itself, so the number is looked for
    upwards from where the step begins.
    """
    macs, start, below = _macs(axis, factor), factor, 0.5 * factor
    if _macs(axis, below) < macs:
        for _ in range(50):
            middle = (below + start) / 2
            below, start = (below, middle) if _macs(axis, middle) >= macs else (middle, start)
    for digits in range(8):
        shorter = math.ceil(start * 10**digits) / 10**digits
        if _macs(axis, shorter) == macs:
            factor = shorter
            break
    return Alone(axis, factor, along(axis, factor), target, reached)


@lru_cache(maxsize=32)
def curve(axis: str, highest: float, steps: int = 40) -> tuple[tuple[float, float], ...]:
    """(factor, MACs over B0's) from factor 1 to `highest`, evenly spaced on a logarithmic scale.

    Raises:
        SpecError: for an unknown axis or a factor that gives no network.
    """
    base, points = along(axis, 1.0).macs, []
    for i in range(steps):
        factor = highest ** (i / (steps - 1))
        points.append((factor, along(axis, factor).macs / base))
    return tuple(points)


@lru_cache(maxsize=1)
def printed_networks() -> tuple[tuple[OneAxis, Spec], ...]:
    """The networks of the paper's Table 7, rebuilt by the official rounding rules.

    Their MACs, counted, are 12 to 20 % below the printed FLOPs where one axis is scaled alone, and
    equal to it where all three are.
    """
    return tuple(
        (
            row,
            scale(
                depth=row.depth, width=row.width, resolution=round(BASE_RESOLUTION * row.resolution),
                name=row.name,
            ),
        )
        for row in one_axis()
    )  # fmt: skip
