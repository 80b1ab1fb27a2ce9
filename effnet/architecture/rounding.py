"""The rounding rules of one stage, step by step, with the sentences that a teacher would say.

Source of the rules: `round_filters` and `round_repeats` of the official `efficientnet_model.py`;
they are computed in `scaling.py`, here they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from effnet.architecture.scaling import (
    BASE_HEAD,
    BASE_STAGES,
    BASE_STEM,
    DIVISOR,
    round_channels,
    round_repeats,
)
from effnet.architecture.spec import Spec, require

FLOOR = 0.9
"""A rounded width may not lie below this share of the exact one."""


RULES = (
    f"Channels go to the nearest multiple of {DIVISOR} and, if that loses more than "
    f"{100 * (1 - FLOOR):.0f} %, to the next one. Repeats go up to the next whole number."
)
"""Both rules in words."""


@dataclass(frozen=True)
class ChannelRounding:
    """From B0's channels to this network's.

    Attributes:
        base: B0's. width: the multiplier. exact: base * width. nearest: multiple of 8 (never 0).
        least: 90 % of `exact`. raised: whether `nearest` was below it, so that 8 were added.
        result: the channels of the network. steps: the same as sentences.
    """

    base: int
    width: float
    exact: float
    nearest: int
    least: float
    raised: bool
    result: int
    steps: tuple[str, ...]


@dataclass(frozen=True)
class RepeatRounding:
    """From B0's repeats to this network's; `exact` = base * depth, `result` the next whole number."""

    base: int
    depth: float
    exact: float
    result: int
    steps: tuple[str, ...]


@dataclass(frozen=True)
class StageRounding:
    """One stage: its channels and, for the MBConv stages 2 to 8, its repeats."""

    stage: int
    channels: ChannelRounding
    repeats: RepeatRounding | None


def number(value: float) -> str:
    """At most three decimals, none that are zero."""
    return f"{round(value, 3):,.3f}".rstrip("0").rstrip(".")


def channel_rounding(base: int, width: float) -> ChannelRounding:
    """Channels times width, to a multiple of 8, at most 10 % lost.

    >>> channel_rounding(16, 1.2).steps[-1]
    '16 is less than 17.28, so it becomes the next multiple: 24.'
    """
    exact = base * width
    nearest = max(DIVISOR, int(exact + DIVISOR / 2) // DIVISOR * DIVISOR)
    least, result = FLOOR * exact, round_channels(base, width)
    raised = nearest < least
    if exact == nearest:
        steps: tuple[str, ...] = (
            f"{base} × {width:.4g} = {number(exact)}, a multiple of {DIVISOR} already.",
        )
    else:
        low = "the smallest allowed" if exact < DIVISOR / 2 else "the nearest multiple"
        steps = (
            f"{base} × {width:.4g} = {number(exact)} channels.",
            f"{nearest} is {low} of {DIVISOR}.",
            f"90 % of {number(exact)} is {number(least)}: no more than 10 % may be lost.",
            f"{nearest} is less than {number(least)}, so it becomes the next multiple: {result}."
            if raised
            else f"{nearest} is not less than {number(least)}, so it stays: {result}.",
        )
    return ChannelRounding(base, width, exact, nearest, least, raised, result, steps)


def repeat_rounding(base: int, depth: float) -> RepeatRounding:
    """Repeats times depth, up to the next whole number.

    >>> repeat_rounding(2, 1.1).result
    3
    """
    exact, result = base * depth, round_repeats(base, depth)
    product = f"{base} × {depth:.4g} = {number(exact)}"
    if exact == result:
        steps: tuple[str, ...] = (f"{product}, a whole number already.",)
    else:
        steps = (f"{product} blocks.", f"Repeats are always rounded up: {result}.")
    return RepeatRounding(base, depth, exact, result, steps)


def _kept_channels(base: int) -> ChannelRounding:
    said = f"Lite does not scale this width: it stays at {base}."
    return ChannelRounding(base, 1.0, base, base, FLOOR * base, False, base, (said,))


def _kept_repeats(base: int) -> RepeatRounding:
    said = f"Lite does not repeat its first and last MBConv stage: {base} stays {base}."
    return RepeatRounding(base, 1.0, base, base, (said,))


def stage_rounding(spec: Spec, stage: int) -> StageRounding:
    """How stage 1 (stem) to 9 (head) of `spec` got its channels and repeats.

    Raises:
        SpecError: for a stage that is not 1 to 9.
    """
    require(1 <= stage <= 9, f"Stages are numbered 1 to 9; there is no stage {stage}.")
    lite = spec.config.lite
    if stage in (1, 9):
        base = BASE_STEM if stage == 1 else BASE_HEAD
        wide = _kept_channels(base) if lite else channel_rounding(base, spec.width)
        return StageRounding(stage, wide, None)
    row = BASE_STAGES[stage - 2]
    fixed = lite and stage in (BASE_STAGES[0].number, BASE_STAGES[-1].number)
    repeats = _kept_repeats(row.repeats) if fixed else repeat_rounding(row.repeats, spec.depth)
    return StageRounding(stage, channel_rounding(row.channels, spec.width), repeats)


def depth_in_blocks(spec: Spec) -> str:
    """What rounding each stage up does to the whole network, in one sentence."""
    before, after = sum(row.repeats for row in BASE_STAGES), len(spec.blocks)
    if after == before:
        return f"Depth {spec.depth:.4g} leaves B0's {before} blocks as they are."
    word = "more" if after > before else "fewer"
    asked, got = abs(spec.depth - 1), abs(after / before - 1)
    return (
        f"Depth {spec.depth:.4g} asks for {number(round(100 * asked, 1))} % {word} blocks. "
        f"Each stage is rounded up by itself, so {before} blocks become {after}: "
        f"{int(100 * got + 0.5)} % {word}."
    )


class ScaledStage(NamedTuple):
    """A row of the scaled Table 1: what the multipliers ask for, and what the network has.

    Attributes:
        stage: 1..9. operator: as in Table 1. exact_repeats, exact_channels: before rounding;
            1 repeat for the stem and the head. out_size: px; 1 after the pooling of stage 9.
    """

    stage: int
    operator: str
    exact_repeats: float
    repeats: int
    exact_channels: float
    channels: int
    out_size: int


def scaled_stages(spec: Spec) -> tuple[ScaledStage, ...]:
    """The nine stages of B0 times the multipliers of `spec`, beside what rounding made of them.

    For networks that scale every stage, so not for Lite.
    """
    width, depth = spec.width, spec.depth
    stem = ScaledStage(1, "Conv, k3x3", 1, 1, BASE_STEM * width, spec.stem_channels, spec.stem_size)
    head = ScaledStage(9, "Conv, k1x1", 1, 1, BASE_HEAD * width, spec.head_channels, 1)
    middle = (
        ScaledStage(
            s.number, s.operator, row.repeats * depth, s.repeats, row.channels * width,
            s.out_channels, s.out_size,
        )
        for row, s in zip(BASE_STAGES, spec.stages, strict=True)
    )  # fmt: skip
    return (stem, *middle, head)
