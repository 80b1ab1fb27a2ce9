"""How a generated file begins, in both frameworks: docstring, cost table, SE widths, stage table."""

from __future__ import annotations

from effnet.architecture.operations import Operation
from effnet.architecture.scaling import BASE_RESOLUTION, law
from effnet.architecture.spec import Spec, Stage
from effnet.codegen.facts import Facts, differences
from effnet.codegen.sentences import se_rule
from effnet.codegen.writer import Writer

PAPER = "Tan and Le (2019), arXiv 1905.11946"
SE_PAPER = "Hu et al. (2018), arXiv 1709.01507"
OFFICIAL = "the official code, github.com/tensorflow/tpu, models/official/efficientnet"
STRIDE = "only the first block strides"
PARTS_OF_A_BLOCK = ("expand", "depthwise", "se", "project", "residual")


def open_se(w: Writer, facts: Facts, framework: str, *more: str) -> None:
    """The docstring of an SE file; `more` are paragraphs of the framework's own."""
    block = facts.the_block
    kind = "" if block.expand_ratio == 1 else "expanded "
    rows = {
        facts.spec.activation if op.name == "act" else op.name: [op]
        for op in facts.operations
        if op.part == "se"
    }
    macs = 2 * block.expanded_channels * (block.se_channels or 0)
    w.doc(
        f"Squeeze-and-excitation (SE) of block {block.id} of {facts.named}, in {framework}.",
        "SE gives each channel a gate between 0 and 1 and multiplies the channel by it. The gates "
        "depend on the picture: they are computed from the means of all channels.",
        "SE stands between the depthwise step and the projection, so it works on the block's "
        f"{facts.wide} {kind}channels. It has {block.se_params:,} of the block's "
        f"{block.params:,} parameters ({percent(block.se_params, block.params)}) and {macs:,} of "
        f"its {block.macs:,} MACs ({percent(macs, block.macs)}): its convolutions see a map of "
        "one pixel.",
        cost_table(facts, rows),
        *more,
        *differences(facts.spec),
        f"Source: {SE_PAPER}"
        + ("." if facts.se_from_expanded else f"; the width as in {OFFICIAL}."),
    )


def open_block(w: Writer, facts: Facts, framework: str, *more: str) -> None:
    """The docstring of a block's file."""
    block, spec = facts.the_block, facts.spec
    rows = {
        "SE" if part == "se" else part: ops
        for part in PARTS_OF_A_BLOCK
        if (ops := [op for op in facts.operations if op.part == part])
    }
    channels = [facts.into, facts.wide, facts.out][block.expand_ratio == 1 :]
    story = (
        f"Stage {block.stage}, repeat {block.repeat}: kernel {block.kernel}x{block.kernel}, "
        f"stride {block.stride}, channels {' -> '.join(channels)}."
    )
    if block.se_channels is not None:
        story += f" SE: {facts.wide} -> {facts.reduced} -> {facts.wide}."
    else:
        story += " EfficientNet-Lite has no SE." if spec.config.lite else " SE is switched off."
    w.doc(
        f"{block.kind} block {block.id} of {facts.named}, in {framework}.",
        story,
        cost_table(facts, rows),
        f"For one picture of {spec.resolution} x {spec.resolution} pixels. MACs are the "
        "multiply-accumulates of the convolutions; the parameters include the batch norms.",
        *more,
        *sources(spec, PAPER),
    )


def open_model(w: Writer, facts: Facts, framework: str, *more: str | list[str]) -> None:
    """The docstring of a whole network's file."""
    spec, config = facts.spec, facts.spec.config
    story = (
        f"Width multiplier {spec.width:.4g}, depth multiplier {spec.depth:.4g}: {len(spec.blocks)} "
        f"MBConv blocks, {spec.params:,} parameters and {spec.macs:,} MACs (multiply-accumulates) for "
        f"one picture of {spec.resolution} x {spec.resolution} pixels."
    )
    if law_says := by_law(spec):
        story = f"{law_says} {story}"
    if spec.has_se:
        story += (
            f" Squeeze-and-excitation has {percent(spec.se_params, spec.params)} of the "
            f"parameters and {percent(spec.se_macs, spec.macs)} of the MACs."
        )
    elif config.lite:
        story += (
            " Lite has no squeeze-and-excitation and ReLU6 for SiLU; its stem, its head and the "
            "repeats of its first and last MBConv stage are not scaled."
        )
    norm = "(x - 127) / 128" if config.lite else "(x / 255 - mean) / std of the training pictures"
    w.doc(
        f"{facts.named}, in {framework}.",
        story,
        f"Input: {facts.shape(config.in_channels, spec.resolution)}, pixels normalised as "
        f"{norm}; other sizes work too. Output: (N, {spec.num_classes}) logits.",
        *more,
        *sources(spec, f"{PAPER}, Table 1"),
    )


def by_law(spec: Spec) -> str:
    """Where the multipliers of a network of the law come from; empty for any other network."""
    own = spec.config
    if own.phi is None or own.alpha is None or own.beta is None or own.gamma is None:
        return ""
    at = law(own.phi, alpha=own.alpha, beta=own.beta, gamma=own.gamma)
    if (own.width, own.depth) != (at.width, at.depth):
        return ""
    said = f"depth {own.alpha:g}^{own.phi:g}, width {own.beta:g}^{own.phi:g}"
    if own.resolution == at.pixels:
        said += f", resolution {BASE_RESOLUTION} * {own.gamma:g}^{own.phi:g}"
    return (
        f"No released network: {'Lite0' if own.lite else 'B0'} scaled by the law at phi = "
        f"{own.phi:g}, which is {said}, rounded."
    )


def sources(spec: Spec, paper: str) -> list[str]:
    """Where the settings come from, and which of them do not."""
    changed = differences(spec)
    settings = "the other settings" if changed else "settings"
    return [*changed, f"Sources: {paper}; {settings} as in {OFFICIAL}."]


def percent(part: int, whole: int) -> str:
    """Two digits: `16%`, `0.024%`."""
    share = 100 * part / whole
    return f"{share:.2g}%" if share >= 0.001 else "under 0.001%"


def cost_table(facts: Facts, rows: dict[str, list[Operation]]) -> list[str]:
    """Lines of text: the input, a row for each name and its operations, and the total."""
    every = [op for ops in rows.values() for op in ops]
    cells = [
        ("step", "output", "parameters", "MACs"),
        ("input", facts.of(every[0].in_shape), "", ""),
    ]
    for name, ops in (*rows.items(), ("total", every)):
        output = "" if name == "total" else facts.of(ops[-1].out_shape)
        params, macs = sum(op.params for op in ops), sum(op.macs for op in ops)
        cells.append((name, output, f"{params:,}", f"{macs:,}"))
    a, b, c, d = (max(len(row[i]) for row in cells) for i in range(4))
    return [
        f"{name:<{a}}  {output:<{b}}  {params:>{c}}  {macs:>{d}}".rstrip()
        for name, output, params, macs in cells
    ]


def se_widths(w: Writer, facts: Facts) -> None:
    """The constants of an SE file: how wide SE is, and why."""
    block = facts.the_block
    with w.mark("se.reduce", "se.expand"):
        w.line(f"BLOCK_INPUT = {facts.into}", f"channels that enter block {block.id}")
        if block.expand_ratio == 1:
            w.line("CHANNELS = BLOCK_INPUT", "MBConv1 has no expand step; SE works on these")
        else:
            note = f"{facts.wide}, made by the expand step; SE works on these"
            w.line(f"CHANNELS = BLOCK_INPUT * {block.expand_ratio}", note)
        w.note(se_rule(facts))
        base = "CHANNELS" if facts.se_from_expanded else "BLOCK_INPUT"
        w.line(f"REDUCED = max(1, int({base} * 0.25))", facts.reduced)


def stage_table(w: Writer, facts: Facts) -> None:
    """`Stage`, `STAGES` and `DROP_CONNECT` of a whole network."""
    with w.block("class Stage(NamedTuple):"):
        w.doc("A row of Table 1. Stride is that of the first block; the others have stride 1.")
        w.line()
        w.lines("number: int", "expand_ratio: int", "kernel: int", "stride: int")
        w.lines("channels: int", "repeats: int")
    w.gap()
    w.note("Table 1 of the paper for this network. Stage 1 is the stem, stage 9 the head.")
    with w.block("STAGES = ("):
        w.note("number, expand_ratio, kernel, stride, channels, repeats")
        for stage in facts.spec.stages:
            first = stage.first
            row = (stage.number, first.expand_ratio, first.kernel, first.stride)
            with w.mark(f"stage {stage.number}", *(block.id for block in stage.blocks)):
                w.line(
                    f"Stage{(*row, stage.out_channels, stage.repeats)},",
                    f"{first.in_size} -> {stage.out_size} px, {_se_of(stage)}"
                    f"{sum(block.params for block in stage.blocks):,} parameters",
                )
    w.line(")")
    with w.mark("residual.drop"):
        w.note(
            "Drop-connect grows linearly with the block's index, from 0 at the first block "
            "towards this rate."
        )
        w.line(f"DROP_CONNECT = {facts.drop_connect}")


def _se_of(stage: Stage) -> str:
    """`SE 4, then 6, `: the SE width of the first block and of the later ones."""
    widths = list(dict.fromkeys(b.se_channels for b in stage.blocks if b.se_channels is not None))
    return f"SE {', then '.join(map(str, widths))}, " if widths else ""
