"""DOT text: the only place where it is made.

Every label is built here from numbers and fixed words; what could come from outside (a network's
name) goes through `label`, so no text can become markup, a link or a picture. Nodes carry classes
(`k3`, `k5`, `se`, ..) that the app's style sheet colours for light and dark; the fill colours in
the text are for files that leave the app.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from itertools import pairwise
from typing import Literal, cast

import graphviz

from effnet.architecture.operations import Operation
from effnet.architecture.spec import Block, Spec, Stage
from effnet.drawing.numbers import shape_short, short
from effnet.limits import LIMITS

Direction = Literal["LR", "TB"]

FILL = {
    "edge": "#e7ecf0", "k3": "#cfe8e4", "k5": "#d7dcf7", "expand": "#dbe9fb", "depthwise": "#cfe8e4",
    "se": "#fde9c4", "project": "#e6dcf5", "residual": "#e7ecf0",
}  # fmt: skip
"""Node class -> fill of an exported drawing; the text on it is always dark."""

INK, LINE = "#12242e", "#5b6b75"


def label(*lines: str) -> str:
    """Lines of text as a DOT label that stays text: no escapes, no HTML, bounded length."""
    return cast(str, graphviz.nohtml("\\n".join(_plain(line) for line in lines)))


def _plain(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text)[: LIMITS.label_chars]
    return str(graphviz.escape(clean))


def _graph(direction: Direction, **attributes: str) -> graphviz.Digraph:
    g = graphviz.Digraph(
        graph_attr={
            "rankdir": direction, "bgcolor": "transparent", "fontname": "Helvetica",
            "fontsize": "13", "fontcolor": INK, "ranksep": "0.24", "nodesep": "0.18", "pad": "0.08",
            **attributes,
        },
        node_attr={
            "shape": "box", "style": "rounded,filled", "fontname": "Helvetica", "fontsize": "13",
            "fontcolor": INK, "color": LINE, "penwidth": "0.8", "margin": "0.13,0.08",
        },
        edge_attr={
            "color": LINE, "arrowsize": "0.65", "fontname": "Helvetica", "fontsize": "11",
            "fontcolor": LINE,
        },
    )  # fmt: skip
    return g


def _node(g: graphviz.Digraph, name: str, kind: str, *lines: str, **attributes: str) -> None:
    look = {"class": kind, "fillcolor": FILL[kind]}
    g.node(name, label=label(*lines), _attributes=look, **attributes)


def _height(size: int, spec: Spec) -> str:
    """Inches: taller nodes for larger maps, on a logarithmic scale, so that the shape shows."""
    share = math.log2(max(size, 1)) / math.log2(max(spec.resolution, 2))
    return f"{1.0 + 0.7 * share:.2f}"


# --- the network -----------------------------------------------------------------------------


def network_dot(spec: Spec, opened: Collection[int] = (), direction: Direction = "LR") -> str:
    """The whole network as a chain of stages, some of them opened into their blocks.

    Nodes are called `stage-1` .. `stage-9`, and `4.1`, `4.2` .. in an opened stage. A stage says
    its operator, how often it repeats, and the shape that leaves it.

    Args:
        opened: the stages (2..8) whose blocks are drawn.
        direction: `LR` or `TB`.
    """
    g = _graph(direction)
    channels, r = spec.config.in_channels, spec.resolution
    _node(g, "input", "edge", "Input", shape_short(channels, r), height=_height(r, spec))
    stem = "stride 2" if spec.config.stem_stride == 2 else "stride 1"
    _node(
        g, "stage-1", "edge", "Stage 1: stem", "Conv 3×3", stem,
        shape_short(spec.stem_channels, spec.stem_size), height=_height(spec.stem_size, spec),
    )  # fmt: skip
    chain = ["input", "stage-1"]
    for stage in spec.stages:
        if stage.number in opened:
            chain += _open_stage(g, spec, stage)
            continue
        name = f"stage-{stage.number}"
        _node(
            g, name, f"k{stage.first.kernel}", f"Stage {stage.number}", _operator(stage),
            _times(stage), shape_short(stage.out_channels, stage.out_size),
            height=_height(stage.out_size, spec),
        )  # fmt: skip
        chain.append(name)
    _node(
        g, "stage-9", "edge", "Stage 9: head", f"Conv 1×1 → {spec.head_channels}", "Pool, FC",
        f"{spec.num_classes} classes", height=_height(spec.head_size, spec),
    )  # fmt: skip
    chain.append("stage-9")
    for first, second in pairwise(chain):
        if first.split(".")[0] != second.split(".")[0]:  # inside an opened stage: drawn already
            g.edge(first, second)
    return str(g.source)


def _operator(stage: Stage) -> str:
    k = stage.first.kernel
    return f"{stage.first.kind} {k}×{k}"


def _times(stage: Stage) -> str:
    return f"×{stage.repeats}, stride {stage.first.stride}"


def _open_stage(g: graphviz.Digraph, spec: Spec, stage: Stage) -> list[str]:
    with g.subgraph(name=f"cluster_{stage.number}") as c:
        title = f"Stage {stage.number}: {_operator(stage)} {_times(stage)}"
        c.attr(label=label(title), style="rounded", color=LINE, margin="9")
        c.attr("graph", _attributes={"class": "open"})
        for b in stage.blocks:
            wide = f"→{b.expanded_channels}" if b.expand_ratio != 1 else ""
            _node(
                c, b.id, f"k{b.kernel}", f"Block {b.id}", f"{b.in_channels}{wide}→{b.out_channels}",
                f"SE {b.expanded_channels}→{b.se_channels}" if b.se_channels else "no SE",
                "residual" if b.residual else f"stride {b.stride}",
                height=_height(b.out_size, spec),
            )  # fmt: skip
    ids = [b.id for b in stage.blocks]
    for first, second in pairwise(ids):
        g.edge(first, second)
    return ids


# --- a block ---------------------------------------------------------------------------------


def block_dot(spec: Spec, block_id: str, direction: Direction = "LR") -> str:
    """One block with every operation: kernel, stride, channels, shape, parameters and MACs.

    A convolution stands with its batch norm and activation. The SE branch leaves the main line
    after the depthwise convolution and comes back at the scale. The residual edge is there exactly
    when the block has one. Nodes are named after operations: `expand`, `depthwise`, `se.squeeze`,
    `se.reduce`, `se.act`, `se.expand`, `se.sigmoid`, `se.scale`, `project`, `residual`; and `in`
    and `out` for the tensors.

    Raises:
        SpecError: when the network has no such block.
    """
    b = spec.block(block_id)
    ops = spec.operations_of(block_id)
    g = _graph(direction, nodesep="0.3", ranksep="0.24" if direction == "LR" else "0.3")
    _node(g, "in", "edge", "Block input", shape_short(b.in_channels, b.in_size))
    chain = ["in"]
    for part in ("expand", "depthwise"):
        if conv := [op for op in ops if op.part == part]:
            _conv_node(g, conv, direction)
            chain.append(part)
    if b.se_channels is not None:
        _se_branch(g, [op for op in ops if op.part == "se"], spec, b, direction)
        chain.append("se.scale")
    _conv_node(g, [op for op in ops if op.part == "project"], direction)
    chain.append("project")
    if b.residual:
        drop = f"drop-connect {b.drop_connect:.3f}" if b.drop_connect else "no drop-connect"
        lines = _fold(
            ["Add the input", drop, "(training only)" if b.drop_connect else ""], direction
        )
        _node(g, "residual", "residual", *lines)
        chain.append("residual")
    _node(g, "out", "edge", "Block output", shape_short(b.out_channels, b.out_size))
    chain.append("out")
    for first, second in pairwise(chain):
        g.edge(first, second, weight="8")  # heavy edges stay straight: the main line
    if b.residual:
        look = {"class": "residual", "style": "dashed"}
        # A word on the way keeps the long edge close to the main line.
        g.node(
            "skip",
            label=label("residual"),
            _attributes={"class": "residual"},
            shape="plaintext",
            style="",
            margin="0.02",
        )
        g.edge("in", "skip", _attributes=look, arrowhead="none", minlen="3", weight="0")
        g.edge("skip", "residual", _attributes=look, weight="0")
    return str(g.source)


def _fold(lines: list[str], direction: Direction) -> list[str]:
    """Narrow nodes across, wide nodes down: in `TB` lines 2, 3 and 4, 5 .. share a line."""
    lines = [line for line in lines if line]
    if direction == "LR":
        return lines
    pairs = [" · ".join(lines[i : i + 2]) for i in range(1, len(lines), 2)]
    return [lines[0], *pairs]


def _conv_node(g: graphviz.Digraph, ops: list[Operation], direction: Direction) -> None:
    conv, part = ops[0], ops[0].part
    kernel = f"conv {conv.kernel}×{conv.kernel}"
    lines = [
        part.capitalize(),
        f"{kernel}, stride {conv.stride}" if part == "depthwise" else kernel,
        f"{conv.in_shape[0]} → {conv.out_shape[0]}",
        " · ".join(["BN"] + [op.label for op in ops if op.name == "act"]),
        shape_short(conv.out_shape[0], conv.out_shape[1]),
        f"{short(sum(op.params for op in ops))} params",
        f"{short(conv.macs)} MACs",
    ]
    _node(g, part, part, *_fold(lines, direction))


def _se_branch(
    g: graphviz.Digraph, ops: list[Operation], spec: Spec, b: Block, direction: Direction
) -> None:
    by_name = {op.name: op for op in ops}
    wide, narrow = b.expanded_channels, b.se_channels or 0
    from_input = spec.config.se_reduce_from == "input"
    base = f"{b.in_channels} input" if from_input else f"{wide} expanded"

    def conv_lines(name: str) -> list[str]:
        op = by_name[name]
        lines = [
            name.capitalize(), "conv 1×1 + bias", f"{op.in_shape[0]} → {op.out_shape[0]}",
            f"{short(op.params)} params", f"{short(op.macs)} MACs",
        ]  # fmt: skip
        return _fold(lines, direction)

    rule = f"{narrow} = ¼ of the {base} channels"
    title = [f"Squeeze-and-excitation {wide} → {narrow} → {wide}", rule]
    with g.subgraph(name="cluster_se") as c:
        # Down the page the branch comes in from the right, across its title: keep that short.
        c.attr(
            label=label(*(title if direction == "LR" else ["Squeeze-and-excitation"])),
            labeljust="c" if direction == "LR" else "l", style="rounded,dashed", color=LINE, margin="10",
        )  # fmt: skip
        c.attr("graph", _attributes={"class": "se"})
        mean = f"mean of {b.out_size}×{b.out_size}"
        _node(c, "se.squeeze", "se", *_fold(["Squeeze", mean, f"{wide} values"], direction))
        _node(c, "se.reduce", "se", *conv_lines("reduce"), *([rule] if direction == "TB" else []))
        _node(c, "se.act", "se", by_name["act"].label)
        _node(c, "se.expand", "se", *conv_lines("expand"))
        _node(c, "se.sigmoid", "se", "Sigmoid", f"{wide} gates")
    branch = [
        "depthwise",
        "se.squeeze",
        "se.reduce",
        "se.act",
        "se.expand",
        "se.sigmoid",
        "se.scale",
    ]
    _node(g, "se.scale", "se", "Scale", "map × gate", shape_short(wide, b.out_size))
    for first, second in pairwise(branch):
        g.edge(first, second)
