"""Which networks a checkpoint could be for, judged by its outline: stem, head, number of blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from effnet.architecture.scaling import BASE_HEAD, BASE_STAGES, build, round_channels
from effnet.architecture.spec import Config, Spec
from effnet.architecture.variants import VARIANTS
from effnet.errors import SpecError
from effnet.limits import LIMITS
from effnet.weights.layouts import Layout, Shape


class Outline(NamedTuple):
    """What can be read off a few tensors, in our axes."""

    stem: int  # channels after the stem
    in_channels: int
    head: int
    head_in: int
    blocks: int
    se: bool
    classes: int
    tensors: int


def classifier_of(shapes: Mapping[str, Shape], layout: Layout) -> str | None:
    """The classifier's layer: under a usual name, or the file's only matrix."""
    weight = layout.value("linear", "weight")
    for name in layout.classifiers:
        if f"{name}{layout.joint}{weight}" in shapes:
            return name
    matrices = [name for name, shape in shapes.items() if len(shape) == 2]
    suffix = f"{layout.joint}{weight}"
    if len(matrices) == 1 and matrices[0].endswith(suffix):
        return matrices[0].removesuffix(suffix)
    return None


def classes_of(shapes: Mapping[str, Shape], layout: Layout, classifier: str | None) -> int:
    """Number of classes of that classifier; 0 where it has none that a network could have."""
    if classifier is None:
        return 0
    weight = shapes.get(f"{classifier}{layout.joint}{layout.value('linear', 'weight')}", ())
    ours = in_our_axes(layout, "linear", weight)
    return ours[0] if len(ours) == 2 and 0 < ours[0] <= LIMITS.max_classes else 0


def outline(shapes: Mapping[str, Shape], layout: Layout) -> Outline | None:
    """The outline of a checkpoint, or None when stem, head or classifier are not where they belong."""

    def kernel(module: str, kind: str) -> Shape:
        return in_our_axes(
            layout, kind, shapes.get(f"{module}{layout.joint}{layout.value(kind, 'weight')}", ())
        )

    stem, head = layout.outer["stem.conv"], layout.outer["head.conv"]
    first, last = kernel(stem, "conv"), kernel(head, "conv")
    classifier = classifier_of(shapes, layout)
    matrix = () if classifier is None else kernel(classifier, "linear")
    if (len(first), len(last), len(matrix)) != (4, 4, 2):
        return None
    se = layout.prefix(2, 1, 0) + layout.first["se.reduce"]
    return Outline(
        stem=first[0], in_channels=first[1], head=last[0], head_in=last[1],
        blocks=sum(
            _is_depthwise(in_our_axes(layout, "depthwise", shape))
            for name, shape in shapes.items() if not name.startswith(stem)
        ),
        se=bool(kernel(se, "gate")), classes=matrix[0], tensors=len(shapes),
    )  # fmt: skip


def in_our_axes(layout: Layout, kind: str, theirs: Shape) -> Shape:
    """The shape that a kernel of theirs has with us."""
    axes = (layout.axes or {}).get(kind)
    if axes is None or len(axes) != len(theirs):
        return theirs
    return tuple(theirs[axis] for axis in axes)


def _is_depthwise(shape: Shape) -> bool:
    return len(shape) == 4 and shape[1] == 1 and shape[2] == shape[3] and shape[2] in (3, 5, 7)


def candidates(found: Outline, layout: Layout) -> Iterator[Spec]:
    """Networks with this outline: named ones first, then any width and depth by the rounding rules.

    No two of them have the same channels, except for the widths of SE.
    """
    seen = set()
    for config in (*_named(layout), *_unnamed(found)):
        if config.se != found.se:
            continue
        try:
            spec = build(replace(config, num_classes=found.classes, in_channels=found.in_channels))
        except SpecError:
            continue
        channels = (spec.stem_channels, *(s.out_channels for s in spec.stages), spec.head_channels)
        ends = (channels[0], channels[-2], channels[-1], len(spec.blocks))
        key = (channels, config.se_reduce_from, config.lite)
        if ends == (found.stem, found.head_in, found.head, found.blocks) and key not in seen:
            seen.add(key)
            yield spec


def _named(layout: Layout) -> Iterator[Config]:
    """Every named network; then each with the other SE width, and without SE."""
    yield from (config for config in VARIANTS.values() if config.se or layout.without_se)
    for config in VARIANTS.values():
        if config.se:
            yield replace(config, se_reduce_from="expanded")
            if layout.without_se and f"{config.name}-no-se" not in VARIANTS:
                yield replace(config, name=f"{config.name}-no-se", se=False)


def _unnamed(found: Outline) -> Iterator[Config]:
    for lite in (False,) if found.se else (False, True):
        base, scaled = (
            (BASE_STAGES[-1].channels, found.head_in) if lite else (BASE_HEAD, found.head)
        )
        depth = _depth(found.blocks, lite)
        if depth is None or not _count_fits(found, depth, lite):
            continue
        for width in _widths(base, scaled):
            yield Config(name="custom", width=width, depth=depth, lite=lite, se=found.se)
            if found.se:
                yield Config(name="custom", width=width, depth=depth, se_reduce_from="expanded")


def _depth(blocks: int, lite: bool) -> float | None:
    """A depth multiplier that gives `blocks` blocks; all such multipliers give the same repeats."""
    if not 0 < blocks <= LIMITS.max_blocks:
        return None
    rows = BASE_STAGES[1:-1] if lite else BASE_STAGES
    fixed = sum(row.repeats for row in BASE_STAGES) - sum(row.repeats for row in rows)
    steps = sorted({j / row.repeats for row in rows for j in range(blocks * row.repeats + 1)})
    for low, high in pairwise(steps):
        middle = (low + high) / 2
        # The number of blocks is constant for low < depth <= high.
        if sum(-int(-middle * row.repeats // 1) for row in rows) + fixed == blocks:
            return next((d for d in (round(middle, 1), round(middle, 2)) if low < d < high), middle)
    return None


def _widths(base: int, scaled: int) -> Iterator[float]:
    """Multipliers that round `base` channels to `scaled`, the shorter decimals first."""
    low, high = (scaled - 4) / base, (scaled + 4) / base
    seen = set()
    for decimals in (1, 2, 3):
        for k in range(int(low * 10**decimals), int(high * 10**decimals) + 2):
            width = k / 10**decimals
            if width > 0 and width not in seen and round_channels(base, width) == scaled:
                seen.add(width)
                yield width


def _count_fits(found: Outline, depth: float, lite: bool) -> bool:
    """Whether the file has as many tensors as such a network, before any is built."""
    first = BASE_STAGES[0].repeats
    unexpanded = first if lite else -int(-depth * first // 1)
    per_block = 15 + (4 if found.se else 0)
    return found.tensors == 12 + per_block * found.blocks - 5 * unexpanded
