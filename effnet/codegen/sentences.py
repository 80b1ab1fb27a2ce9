"""The sentences of the comments, shared by both frameworks.

The errors that tutorials make are avoided here once, not in each text: SE is as wide as a quarter
of the block's *input*, the projection goes to the block's *output* channels, the depthwise step is
not "depthwise separable", MACs are not FLOPs.
"""

from __future__ import annotations

from effnet.codegen.facts import Facts

SE = (
    "A gate for each channel: squeeze, excite, scale.",
    "Squeeze takes the mean of each channel. Excite turns the means into gates: reduce, SiLU, "
    "expand, sigmoid. Scale multiplies each channel by its gate.",
)
SQUEEZE = "Squeeze: one number for each channel, its mean over the whole map."
REDUCE = "few numbers, each made from all the means. Here channels are compared."
BETWEEN = "SiLU, x * sigmoid(x): without it the two layers would act as one."
EXPAND = "back to one number for each channel."
SIGMOID = "Sigmoid: each number becomes a gate between 0 (channel shut) and 1 (open)."
SCALE = "Scale: every pixel of a channel times the gate of the channel."
FULLY_CONNECTED = (
    "On a map of one pixel a 1x1 convolution is a fully connected layer. These two are the only "
    "convolutions of the network with a bias."
)
DROP_CONNECT = (
    "Stochastic depth: in training, drop the whole branch of a sample at `rate`.",
    "That sample then passes by the residual connection alone. The branches that are kept are "
    "divided by 1 - rate, so that the mean stays. At inference nothing happens.",
)
SYMMETRIC = (
    "Padding kernel // 2 on every side. TensorFlow's SAME pads (0, 1), not (1, 1), where a 3x3 "
    "kernel with stride 2 meets an even size: the same shape, other values."
)
SAME = (
    "SAME padding: at stride 2 on an even size the extra pixel goes to the bottom and the right, so "
    "PyTorch's padding=kernel // 2 gives other values."
)
DROP_BY_DROPOUT = (
    "Drop-connect (stochastic depth): in training, drop the whole branch of a sample at this rate "
    "and divide the others by 1 - rate. At inference nothing happens."
)
ACT = {"SiLU": "SiLU (Swish): x * sigmoid(x)", "ReLU6": "ReLU6: min(max(x, 0), 6)"}
INITIALISE = "Official initialisation of convolutions: normal, std sqrt(2 / fan_out), biases 0."
FAN_OUT = "The fan_out of a depthwise convolution is kernel * kernel."


def counted(facts: Facts, title: str, part: str, name: str = "") -> str:
    """How the comment on a step begins: `1. Expand (3,744 parameters):`."""
    params = facts.params(part, name)
    return f"{title} ({params}):" if params else f"{title}:"


def se_rule(facts: Facts) -> str:
    """Why the SE bottleneck is as wide as it is."""
    official = "SE width, official rule: a quarter of the"
    common = "SE width: a quarter of the expanded channels, as many tutorials have it."
    if facts.block is None:
        if facts.se_from_expanded:
            return f"{common} The official rule takes a quarter of the block's input channels."
        return f"{official} channels that enter the block, not of the expanded ones."
    if facts.block.expand_ratio == 1:
        return f"{official} {facts.into} channels that enter the block."
    if facts.se_from_expanded:
        narrow = max(1, int(facts.block.in_channels * 0.25))
        return (
            f"{common} The official rule takes a quarter of the {facts.into} channels that "
            f"enter the block: {narrow} instead of {facts.reduced}."
        )
    return (
        f"{official} {facts.into} channels that enter the block, not of the {facts.wide} "
        "expanded ones."
    )


def what(facts: Facts) -> str:
    """The first line about an MBConv."""
    if facts.block is not None and facts.block.expand_ratio == 1:
        return "An MBConv with expand ratio 1: as wide inside as its input."
    return "Inverted bottleneck: few channels at both ends, many between."


def why_expand(facts: Facts) -> str:
    step = counted(facts, "1. Expand", "expand")
    if facts.block is None:
        return (
            f"{step} a 1x1 convolution makes expand_ratio times as many channels. The map "
            "keeps its size. MBConv1 (ratio 1) has no such step."
        )
    if facts.block.expand_ratio == 1:
        return f"{step} no such step here. MBConv1 has ratio 1 and stays as wide as its input."
    return (
        f"{step} a 1x1 convolution makes {facts.block.expand_ratio} times as many channels for the "
        f"depthwise filters, {facts.into} -> {facts.wide}. The map keeps its size."
    )


def why_depthwise(facts: Facts) -> str:
    step, block = counted(facts, "2. Depthwise", "depthwise"), facts.block
    if block is None:
        return (
            f"{step} one kernel x kernel filter for each channel; channels do not mix. Stride "
            "2 keeps every second pixel."
        )
    text = (
        f"{step} one {block.kernel}x{block.kernel} filter for each channel. Channels do not mix, so "
        f"it takes 1/{facts.wide} of the MACs of a full convolution. Only this step sees "
        "neighbouring pixels."
    )
    if block.stride == 2:
        text += f" Stride 2 keeps every second pixel: {block.in_size} -> {block.out_size} px."
    return text


def padding(facts: Facts) -> str:
    """How the depthwise step of a block pads, with its numbers; the rule where no block is meant."""
    block, same = facts.block, facts.same
    if block is None:
        return SAME if same else SYMMETRIC
    each = block.kernel // 2
    every = f"{each} {'pixel' if each == 1 else 'pixels'} on every side"
    if block.stride == 1:
        return f"{'SAME padding' if same else 'Padding'}: {every}."
    first = (block.kernel - 2) // 2
    tensorflow = f"{first} at the top and the left, {first + 1} at the bottom and the right"
    if not same:
        return (
            f"Padding: {every}. TensorFlow's SAME pads {tensorflow} of an even size: other values."
        )
    if block.in_size % 2:
        return (
            f"SAME padding: {every}, since {block.in_size} is odd; an even size gets {tensorflow}."
        )
    return (
        f"SAME padding: {tensorflow}. PyTorch's padding=kernel // 2 would be {every}: the same size, "
        "other values."
    )


def why_se(facts: Facts) -> str:
    return (
        f"{counted(facts, '3. Squeeze-and-excitation', 'se')} a gate between 0 and 1 for each "
        "channel, computed from the picture."
    )


def why_project(facts: Facts) -> str:
    channels = "" if facts.block is None else f", {facts.wide} -> {facts.out}"
    number = 4 if facts.spec.has_se else 3
    return (
        f"{counted(facts, f'{number}. Project', 'project')} a 1x1 convolution "
        f"mixes the channels down to the block's output{channels}. No activation follows: the "
        "narrow result stays linear."
    )


def why_residual(facts: Facts) -> str:
    block, step = facts.block, f"{5 if facts.spec.has_se else 4}. Residual:"
    if block is None:
        return f"{step} the input is added where size and channels stay the same."
    if block.residual:
        return f"{step} size and channels are those of the input, so the input is added."
    changes = []
    if block.stride == 2:
        changes.append(f"the map ({block.in_size} -> {block.out_size} px)")
    if facts.into != facts.out:
        changes.append(f"the channels ({facts.into} -> {facts.out})")
    verb = "change" if len(changes) == 2 or "channels" in changes[0] else "changes"
    return f"{step} none here, because {' and '.join(changes)} {verb}."


def layer_names(facts: Facts) -> str:
    """Why the layers are called what they are called."""
    return (
        f"Layers are named as in keras.applications, where block {facts.the_block.id} is "
        f"{facts.keras_prefix()[:-1]}."
    )
