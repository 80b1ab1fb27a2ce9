"""Claims about the inside of a block and of the network."""

from __future__ import annotations

import math
from collections.abc import Callable

from effnet.architecture.published import other, source
from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.claims.claim import BUILDER, CODE, Claim, Figure, b0


def _weights(spec: Spec, block: str, part: str) -> int:
    """Parameters of the convolution of one part of a block."""
    ops = spec.operations_of(block)
    return next(op.params for op in ops if op.part == part and op.name == "conv")


def _conv_biases(spec: Spec) -> int:
    """Biases of convolutions: only the two of squeeze-and-excitation have any."""
    return sum(b.expanded_channels + (b.se_channels or 0) for b in spec.blocks)


def _square(size: int) -> str:
    return f"{size}×{size}"


def _area(block: str) -> int:
    """Weights of one depthwise filter."""
    return b0().block(block).kernel ** 2


def _centre(padding: str) -> Callable[[], float]:
    return lambda: spec_for("b0", padding=padding).operations_of("8.1")[-1].centre


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "depthwise", "wrong",
        "A depthwise separable convolution has one filter for each channel.",
        "That is a depthwise convolution. Depthwise separable means two: a depthwise one and a 1×1 "
        "one after it. In block 4.2 the depthwise convolution has {depthwise} weights, the 1×1 "
        "projection {project}.",
        {
            "depthwise": Figure("depthwise weights", lambda: _weights(b0(), "4.2", "depthwise")),
            "project": Figure("projection weights", lambda: _weights(b0(), "4.2", "project")),
        },
        "Sifre (2014); Howard et al. (2017), MobileNets",
        ("architecture", {"net": "B0", "block": "4.2"}),
    ),
    Claim(
        "project", "imprecise",
        "The block projects back to the original number of channels.",
        "It projects to the block's output channels. Only where these equal the input, and the "
        "stride is 1, is there a residual: in {residual} of B0's {blocks} blocks. Block 4.1 goes from "
        "{into} to {out}.",
        {
            "residual": Figure("blocks with a residual", lambda: sum(b.residual for b in b0().blocks)),
            "blocks": Figure("blocks of B0", lambda: len(b0().blocks)),
            "into": Figure("input of block 4.1", lambda: b0().block("4.1").in_channels),
            "out": Figure("output of block 4.1", lambda: b0().block("4.1").out_channels),
        },
        f"{CODE}, MBConvBlock",
        ("architecture", {"net": "B0", "block": "4.1"}),
    ),
    Claim(
        "silu", "imprecise",
        "Swish, which was later called SiLU.",
        "They are one function, x · sigmoid(x): {one} at x = 1. SiLU is the older name (Hendrycks and "
        "Gimpel, 2016); Swish came in 2017, and the paper writes both.",
        {"one": Figure("SiLU at 1", lambda: 1 / (1 + math.exp(-1)), ".3f")},
        "Hendrycks and Gimpel (2016); Ramachandran et al. (2017); the paper, section 5.2",
    ),
    Claim(
        "conv-bias", "imprecise",
        "Convolution with bias, then the activation, then batch norm.",
        "The order is convolution, batch norm, SiLU. Batch norm shifts by itself, so these "
        "convolutions have no bias: all {biases} convolution biases of B0 belong to SE.",
        {"biases": Figure("convolution biases of B0", lambda: _conv_biases(b0()))},
        f"{CODE}, MBConvBlock",
        ("code", {"net": "B0", "block": "4.2", "part": "MBConv block"}),
    ),
    Claim(
        "numbering", "depends",
        "Stage 6 has 112 channels. / Stage 6 has 192 channels.",
        "Both are said, with two ways of counting. The paper calls the stem stage 1: its stage 6 has "
        "{six} channels in {six_blocks} blocks. Who calls the stem stage 0 means the paper's stage 7: "
        "{seven} channels in {seven_blocks} blocks. This explorer counts as the paper does.",
        {
            "six": Figure("channels of stage 6", lambda: b0().stages[4].out_channels),
            "six_blocks": Figure("blocks of stage 6", lambda: b0().stages[4].repeats),
            "seven": Figure("channels of stage 7", lambda: b0().stages[5].out_channels),
            "seven_blocks": Figure("blocks of stage 7", lambda: b0().stages[5].repeats),
        },
        "the paper, Table 1",
        ("architecture", {"net": "B0", "block": "6.1", "table": "Stages"}),
    ),
    Claim(
        "stage-six-map", "depends",
        "Stage 6 works on maps of 28×28. / Stage 6 works on maps of 14×14.",
        "Table 1 prints {v1} in the first version of the paper and {v5} in the last. The code halves the map in stage "
        "{stage}, so in B0 stage 6 takes {taken} and gives {given}.",
        {
            "v1": Figure("printed, version 1", lambda: _square(int(other("stage_6_v1")["map"]))),
            "v5": Figure("printed, version 5", lambda: _square(int(other("stage_6_v5")["map"]))),
            "stage": Figure("the stage with stride 2", lambda: b0().stages[3].number),
            "taken": Figure("input of stage 6", lambda: _square(b0().stages[4].first.in_size)),
            "given": Figure("output of stage 6", lambda: _square(b0().stages[4].out_size)),
        },
        "the paper, Table 1, versions 1 and 5; tensorflow/tpu issue 383",
        ("architecture", {"net": "B0", "block": "6.1", "table": "Stages"}),
    ),
    Claim(
        "initialisation", "missing",
        "The layers are made; train them.",
        "The official start is a normal distribution of standard deviation √(2 / fan-out), and the fan-out "
        "of a depthwise filter counts one channel: {depthwise} in block 4.2. Counting all {channels} "
        "channels gives {all} instead.",
        {
            "depthwise": Figure("std, one channel", lambda: math.sqrt(2 / _area("4.2")), ".3f"),
            "channels": Figure("channels of the depthwise step", lambda: b0().block("4.2").expanded_channels),
            "all": Figure(
                "std, all channels",
                lambda: math.sqrt(2 / (_area("4.2") * b0().block("4.2").expanded_channels)), ".3f",
            ),
        },
        f"{CODE}, conv_kernel_initializer; torchvision, efficientnet.py",
        ("code", {"net": "B0", "part": "Whole network"}),
    ),
    Claim(
        "padding", "depends",
        "Convolutions use “same” padding.",
        "At stride 2 there are two ways. TensorFlow adds the odd row at the bottom and right, PyTorch "
        "ports often pad both sides alike. The sizes agree, the values do not: in B0 the first cell of "
        "the last map is centred on pixel {same} or on pixel {symmetric}.",
        {
            "same": Figure("centre, TensorFlow's same", _centre("same"), "g"),
            "symmetric": Figure("centre, both sides alike", _centre("symmetric"), "g"),
        },
        "TensorFlow documentation, tf.nn; torchvision, efficientnet.py",
        ("gradcam", {"net": "B0"}),
    ),
    Claim(
        "batch-norm", "missing",
        "After each convolution comes `BatchNorm2d()`.",
        "With which settings? The official ones are epsilon {eps} and momentum {momentum} in PyTorch's "
        "sense; PyTorch's defaults are {torch_eps} and {torch_momentum}. Released weights answer "
        "differently with another epsilon.",
        {
            "eps": Figure("epsilon", lambda: b0().config.bn_eps, "g"),
            "momentum": Figure("momentum", lambda: b0().config.bn_momentum, "g"),
            "torch_eps": Figure("PyTorch's epsilon", lambda: float(other("torch_batch_norm")["eps"]), "g"),
            "torch_momentum": Figure(
                "PyTorch's momentum", lambda: float(other("torch_batch_norm")["momentum"]), "g"
            ),
        },
        f"{BUILDER}; {source('torch_docs').where}",
        ("code", {"net": "B0", "block": "4.2", "part": "MBConv block"}),
    ),
    Claim(
        "drop-connect", "missing",
        "The residual is added, and that is the block.",
        "In training, blocks with a residual are left out at random. The rate grows along the network: "
        "{first} in block 3.2, {last} in block 7.4 of B0, towards {rate} at the end. Few snippets have it.",
        {
            "first": Figure("rate of block 3.2", lambda: b0().block("3.2").drop_connect, ".3f"),
            "last": Figure("rate of block 7.4", lambda: b0().block("7.4").drop_connect, ".3f"),
            "rate": Figure("rate at the end", lambda: b0().config.drop_connect, "g"),
        },
        "official code, utils.py, drop_connect",
        ("architecture", {"net": "B0", "block": "7.4"}),
    ),
)  # fmt: skip
