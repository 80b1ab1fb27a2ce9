"""The network map for a slider: laid out once, then only its numbers are exchanged.

Networks that the law makes have the same nine stages with the same operators; only repeats,
channels and sizes differ, and these are short texts in boxes that do not grow with them. So the
drawing of B0 serves for all, and a step of the slider costs no layout.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from effnet.architecture.rounding import ScaledStage, scaled_stages
from effnet.architecture.scaling import ALPHA, BETA, GAMMA, scale
from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.drawing.diagram import network_dot
from effnet.drawing.layout import render_svg
from effnet.drawing.numbers import shape_short
from effnet.errors import DrawingError
from effnet.limits import LIMITS


def _numbers(spec: Spec) -> list[str]:
    """The texts of the map that differ between networks of the law, in the order of the drawing."""
    config = spec.config
    texts = [
        shape_short(config.in_channels, spec.resolution),
        shape_short(spec.stem_channels, spec.stem_size),
    ]
    for stage in spec.stages:
        texts.append(f"×{stage.repeats}, stride {stage.first.stride}")
        texts.append(shape_short(stage.out_channels, stage.out_size))
    return [*texts, f"Conv 1×1 → {spec.head_channels}"]


@lru_cache(maxsize=1)
def _pieces() -> tuple[str, ...]:
    """B0's drawing, cut where a number goes."""
    base = spec_for("b0")
    rest, pieces = render_svg(network_dot(base)), []
    for text in _numbers(base):
        before, found, rest = rest.partition(f">{text}<")
        if not found:
            raise DrawingError(f"The network map does not say {text!r} where it used to.")
        pieces.append(before + ">")
        rest = "<" + rest
    return (*pieces, rest)


def live_map(spec: Spec) -> str:
    """The closed network map of `spec` as an `<svg>` element, in B0's geometry.

    `spec` must have B0's operators, stem and classes, as every network of `scale(phi)` has.

    Raises:
        DrawingError: when no Graphviz engine is installed, or the map is not worded as expected.
    """
    first, *others = _pieces()
    parts = [first]
    for text, piece in zip(_numbers(spec), others, strict=True):
        parts += (text, piece)
    return "".join(parts)


class Frame(NamedTuple):
    """All that one position of the slider shows: the network, its nine stages, its map as SVG.

    The map is empty where no Graphviz engine is installed.
    """

    spec: Spec
    stages: tuple[ScaledStage, ...]
    svg: str


@lru_cache(maxsize=LIMITS.cached_drawings)
def frame(phi: float, alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA) -> Frame:
    """The network of the law at `phi`, ready to be shown.

    Raises:
        SpecError: when there is no such network.
    """
    spec = scale(phi, alpha=alpha, beta=beta, gamma=gamma)
    try:
        svg = live_map(spec)
    except DrawingError:
        svg = ""
    return Frame(spec, scaled_stages(spec), svg)
