"""What happens inside a block, step by step, in words with the block's own numbers."""

from __future__ import annotations

from typing import NamedTuple

from effnet.architecture.spec import Block, Spec
from effnet.drawing.numbers import exact, percent, shape_short


class Step(NamedTuple):
    """One step of a block.

    Attributes:
        name: node of the block diagram that it explains.
        title: e.g. `Depthwise convolution 5×5`. text: one to three sentences.
        shape: what leaves the step. params, macs: its cost.
    """

    name: str
    title: str
    text: str
    shape: str
    params: int
    macs: int


def title(spec: Spec) -> str:
    """`EfficientNet-B0`, `EfficientNet-Lite0`, `EfficientNet, phi = 1.5`."""
    if spec.config.phi is not None and spec.name.startswith("phi"):
        return f"EfficientNet, phi = {spec.config.phi:g}"
    name = spec.name
    return f"EfficientNet-{name.upper() if name[0] in 'bl' and name[1:].isdigit() else name.capitalize()}"


def headline(spec: Spec, block: Block) -> str:
    """One line: `MBConv6 5×5, stride 1, SE 240 → 10 → 240, residual`."""
    parts = [f"{block.kind} {block.kernel}×{block.kernel}", f"stride {block.stride}"]
    if block.se_channels is not None:
        wide = block.expanded_channels
        parts.append(f"SE {wide} → {block.se_channels} → {wide}")
    else:
        parts.append("no SE" + (" (Lite has none)" if spec.config.lite else ""))
    parts.append("with residual" if block.residual else "no residual")
    return ", ".join(parts)


def explain(spec: Spec, block_id: str) -> tuple[Step, ...]:
    """The steps of a block in order.

    Raises:
        SpecError: when the network has no such block.
    """
    b = spec.block(block_id)
    ops = spec.operations_of(block_id)
    act = spec.activation

    def cost(part: str) -> tuple[int, int]:
        mine = [op for op in ops if op.part == part]
        return sum(op.params for op in mine), sum(op.macs for op in mine)

    wide, inner = b.expanded_channels, shape_short(b.expanded_channels, b.in_size)
    out = shape_short(wide, b.out_size)
    steps: list[Step] = []
    if b.expand_ratio != 1:
        text = (
            f"A 1×1 convolution makes {wide} channels out of {b.in_channels}, {b.expand_ratio} "
            f"times as many, pixel by pixel. Batch norm and {act} follow. The block works in this "
            "wide space."
        )
        steps.append(Step("expand", "Expand 1×1", text, inner, *cost("expand")))
    steps.append(Step("depthwise", *_depthwise(b, act), out, *cost("depthwise")))
    if b.se_channels is not None:
        steps += _squeeze_excite(spec, b, out)
    goal = "back to" if b.out_channels == b.in_channels else "to"
    text = (
        f"A 1×1 convolution brings the {wide} channels {goal} {b.out_channels}. Batch norm follows, "
        "but no activation: the output of a block stays linear."
    )
    steps.append(
        Step(
            "project",
            "Project 1×1",
            text,
            shape_short(b.out_channels, b.out_size),
            *cost("project"),
        )
    )
    if b.residual:
        text = "The block's input is added, so the block only has to learn a correction. "
        if b.drop_connect:
            text += (
                f"In training, drop-connect leaves the block out for {percent(b.drop_connect)} of "
                "the pictures; the rate grows along the network."
            )
        steps.append(
            Step(
                "residual", "Residual", text.strip(), shape_short(b.out_channels, b.out_size), 0, 0
            )
        )
    return tuple(steps)


def _depthwise(b: Block, act: str) -> tuple[str, str]:
    text = (
        f"Each of the {b.expanded_channels} channels is filtered by one {b.kernel}×{b.kernel} kernel "
        f"of its own; channels do not mix here. "
    )
    if b.stride == 2:
        text += f"Stride 2 halves the map from {b.in_size} to {b.out_size} px. "
    return f"Depthwise {b.kernel}×{b.kernel}", text + f"Batch norm and {act} follow."


def _squeeze_excite(spec: Spec, b: Block, out: str) -> list[Step]:
    wide, narrow = b.expanded_channels, b.se_channels or 0
    weights = wide * narrow
    pixels = b.out_size**2
    if spec.config.se_reduce_from == "input":
        rule = f"a quarter of the block's {b.in_channels} input channels, not of the {wide} expanded ones"
    else:
        rule = f"a quarter of the {wide} expanded channels, which is the common mistake: the official rule takes the {b.in_channels} input channels"
    squeeze = (
        f"Each {b.out_size}×{b.out_size} map is averaged to one number: {exact(pixels)} values "
        "become 1. What is left says how strongly a channel answered, not where."
    )
    excite = (
        f"Two 1×1 convolutions with bias, {wide} → {narrow} → {wide}, turn these {wide} numbers "
        f"into {wide} gates. {narrow} is {rule}. {spec.activation} stands between them; a sigmoid "
        "puts each gate between 0 and 1."
    )
    scale = "Every map is multiplied by its gate: near 1 it passes, near 0 it is switched off for this picture."
    return [
        Step("se.squeeze", "Squeeze", squeeze, f"{wide} × 1²", 0, 0),
        Step(
            "se.reduce",
            "Excite: reduce, expand, sigmoid",
            excite,
            f"{wide} × 1²",
            b.se_params,
            2 * weights,
        ),
        Step("se.scale", "Scale", scale, out, 0, 0),
    ]
