"""Claims about squeeze-and-excitation: its width, its cost, where it is and is not."""

from __future__ import annotations

from collections.abc import Callable

from effnet.architecture.published import other, source
from effnet.architecture.scaling import SE_RATIO, squeeze_channels
from effnet.architecture.spec import Block, Spec
from effnet.architecture.variants import spec_for
from effnet.claims.claim import CODE, Claim, Figure, b0
from effnet.drawing.numbers import shape


def _expanded() -> Spec:
    return spec_for("b0", se_reduce_from="expanded")


def _example(rule: str) -> Block:
    """The worked example of many tutorials: MBConv6, 3×3, 32 channels to 32."""
    return Block(
        stage=3, repeat=2, kernel=3, stride=1, expand_ratio=6, in_channels=32, out_channels=32,
        se_channels=squeeze_channels(32, 6, rule), in_size=56, drop_connect=0.0,
    )  # fmt: skip


def _reduce_weights(spec: Callable[[], Spec]) -> Callable[[], str]:
    """The shape of the first SE layer of block 4.2, as `10 × 240`."""
    return lambda: f"{spec().block('4.2').se_channels} × {spec().block('4.2').expanded_channels}"


def _se_of_stages() -> str:
    rows = b0().stage_rows()[1:8]
    return "; ".join(", ".join(str(w) for w in dict.fromkeys(row["se_channels"])) for row in rows)


def _shape(operation: str) -> str:
    """What leaves an operation of block 4.2's SE branch: channels, height, width."""
    ops = b0().operations_of("4.2")
    return shape(next(op.out_shape for op in ops if op.name == operation))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "se-width", "wrong",
        "The SE bottleneck has a quarter of the expanded channels.",
        "It has a quarter of the block's input channels, as they are before the expansion. B0 then has "
        "{official} parameters; with the expanded channels it would have {expanded}. MobileNetV3 does "
        "take the expanded channels, which may be where the sentence comes from.",
        {
            "official": Figure("B0, official rule", lambda: b0().params),
            "expanded": Figure("B0, expanded rule", lambda: _expanded().params),
        },
        f"{CODE}, MBConvBlock; MobileNetV3: torchvision, mobilenetv3.py",
        ("compare", {"a": "B0", "b": "B0", "b_se": "expanded"}),
    ),
    Claim(
        "se-example", "wrong",
        "A block with 32 channels expands to 192, and its SE goes 192 → 48 → 192.",
        "It goes {wide} → {narrow} → {wide}. The whole block, 32 channels in and out with a 3×3 "
        "kernel, has {official} parameters, not {tutorial}.",
        {
            "wide": Figure("expanded channels", lambda: _example("input").expanded_channels),
            "narrow": Figure("SE channels", lambda: squeeze_channels(32, 6)),
            "official": Figure("parameters, official", lambda: _example("input").params),
            "tutorial": Figure("parameters, as told", lambda: _example("expanded").params),
        },
        f"{CODE}, MBConvBlock",
        ("architecture", {"net": "B0", "block": "4.2"}),
    ),
    Claim(
        "se-loading", "imprecise",
        "This code has the layers of EfficientNet, so it loads the weights.",
        "Only where every tensor has the same shape. The first SE layer of block 4.2 has {official} weights "
        "by the official rule and {expanded} from the expanded channels: no released file fits the second.",
        {
            "official": Figure("weights, official rule", _reduce_weights(b0)),
            "expanded": Figure("weights, expanded rule", _reduce_weights(_expanded)),
        },
        f"{CODE}, MBConvBlock",
        ("code", {"net": "B0", "block": "4.2", "part": "SE block"}),
    ),
    Claim(
        "se-per-stage", "wrong",
        "Each stage has one SE width: 4, 24, 36, 60, 120, 168, 288.",
        "The width follows the block's input, and the first block of a stage has another input than "
        "the rest. In B0 the stages 2 to 8 have: {widths}.",
        {"widths": Figure("SE widths of stages 2 to 8", _se_of_stages)},
        f"{CODE}, MBConvBlock",
        ("architecture", {"net": "B0", "table": "Blocks"}),
    ),
    Claim(
        "se-cost", "imprecise",
        "SE costs next to nothing.",
        "In computation, yes: {macs} of B0's MACs. In parameters, no: {params} of B0 and {b7} of B7.",
        {
            "macs": Figure("of B0's MACs", lambda: b0().se_macs / b0().macs, "%"),
            "params": Figure("of B0's parameters", lambda: b0().se_params / b0().params, "%"),
            "b7": Figure(
                "of B7's parameters",
                lambda: spec_for("b7").se_params / spec_for("b7").params, "%",
            ),
        },
        "counted here",
        ("compare", {"a": "B0", "b": "Lite0"}),
    ),
    Claim(
        "se-ratio", "imprecise",
        "The reduction ratio r is 0.25, so SE has C · r channels.",
        "In the SE paper r is a divisor, C / r, and its networks use {r}. EfficientNet's {ratio} is a "
        "factor on the block's input. Seen from the expanded channels of an MBConv6 the divisor is "
        "{real}.",
        {
            "r": Figure("r of the SE paper", lambda: int(other("se_ratio")["reduction"])),
            "ratio": Figure("se_ratio of EfficientNet", lambda: SE_RATIO, "g"),
            "real": Figure(
                "expanded over SE channels, block 4.2",
                lambda: b0().block("4.2").expanded_channels // (b0().block("4.2").se_channels or 1),
            ),
        },
        "Hu et al. (2018) and their repository; official code, se_ratio",
        ("architecture", {"net": "B0", "block": "4.2"}),
    ),
    Claim(
        "se-layers", "depends",
        "SE is two fully connected layers.",
        "Most implementations use two 1×1 convolutions with bias on the pooled 1×1 map. The "
        "arithmetic is the same, {params} parameters in block 4.2 either way, but the weights have "
        "four dimensions instead of two.",
        {"params": Figure("SE parameters, block 4.2", lambda: b0().block("4.2").se_params)},
        f"{CODE}; torchvision, timm and Keras agree",
        ("code", {"net": "B0", "block": "4.2", "part": "SE block"}),
    ),
    Claim(
        "lite-se", "wrong",
        "EfficientNet-Lite has smaller SE blocks.",
        "It has none: {lite_se} SE parameters. It also uses {act} instead of SiLU and keeps stem and "
        "head at {stem} and {head} channels where B4 has {b4_stem} and {b4_head}.",
        {
            "lite_se": Figure("SE parameters of Lite4", lambda: spec_for("lite4").se_params),
            "act": Figure("activation of Lite", lambda: spec_for("lite4").activation),
            "stem": Figure("stem of Lite4", lambda: spec_for("lite4").stem_channels, "g"),
            "head": Figure("head of Lite4", lambda: spec_for("lite4").head_channels, "g"),
            "b4_stem": Figure("stem of B4", lambda: spec_for("b4").stem_channels, "g"),
            "b4_head": Figure("head of B4", lambda: spec_for("b4").head_channels, "g"),
        },
        "official code, lite/efficientnet_lite_builder.py",
        ("compare", {"a": "B4", "b": "Lite4"}),
    ),
    Claim(
        "senet-154", "wrong",
        "SENet-154 reaches 85.1 % on ImageNet.",
        "Its authors print {error} top-1 error on one crop, so {top1}. The EfficientNet paper lists "
        "SENet at {paper}.",
        {
            "error": Figure("top-1 error", lambda: float(other("senet154")["top1_error"]), "p"),
            "top1": Figure(
                "top-1, one crop", lambda: round(100 - float(other("senet154")["top1_error"]), 2), "p"
            ),
            "paper": Figure("in the EfficientNet paper", lambda: float(other("senet_paper")["top1"]), "p"),
        },
        f"{source('senet').where}; {source('paper_v5').where}",
    ),
    Claim(
        "keras-multiply", "wrong",
        "In Keras: `layers.Multiply()(x, se)`",
        "Multiply takes one list: `layers.Multiply()([x, se])`. In block 4.2 it multiplies a map of "
        "{map} by gates of {gates} (channels, height, width).",
        {
            "map": Figure("the map", lambda: _shape("scale")),
            "gates": Figure("the gates", lambda: _shape("sigmoid")),
        },
        "Keras documentation, layers.Multiply",
        ("code", {"net": "B0", "block": "4.2", "part": "SE block"}),
    ),
)  # fmt: skip
