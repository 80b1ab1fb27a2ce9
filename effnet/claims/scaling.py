"""Claims about the scaled family: phi, depth, accuracies, FLOPs."""

from __future__ import annotations

from collections.abc import Callable

from effnet.architecture.growth import growth, implied_phi
from effnet.architecture.published import published, source
from effnet.architecture.scaling import ALPHA, BETA, GAMMA, cost_factor, scale
from effnet.architecture.variants import VARIANTS, spec_for
from effnet.claims.claim import BUILDER, CODE, Claim, Figure, b0


def _implied(name: str, axis: str) -> Callable[[], float]:
    return lambda: getattr(implied_phi(VARIANTS[name]), f"phi_{axis}") or 0.0


def _top1(name: str, key: str) -> Callable[[], float]:
    return lambda: getattr(published(name), key).top1


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "phi-index", "wrong",
        "φ = k gives Bk.",
        "The released networks are a list of numbers, not points of the law. B1's depth implies "
        "φ = {depth}, its width {width}, its resolution {resolution}. At φ = 1 the law gives {law} px; "
        "B1 has {b1}.",
        {
            "depth": Figure("φ from B1's depth", _implied("b1", "depth"), ".2f"),
            "width": Figure("φ from B1's width", _implied("b1", "width"), ".2f"),
            "resolution": Figure("φ from B1's resolution", _implied("b1", "resolution"), ".2f"),
            "law": Figure("input at φ = 1, px", lambda: scale(1).resolution),
            "b1": Figure("input of B1, px", lambda: spec_for("b1").resolution),
        },
        f"{BUILDER}; the open question is tensorflow/tpu issue 390",
        ("scaling", {"scaling": "Implied phi"}),
    ),
    Claim(
        "cost-factor", "imprecise",
        "α · β² · γ² is 2.",
        "The paper asks for about 2 and searched in steps: {alpha} · {beta}² · {gamma}² is {factor}. What "
        "φ = 1 really costs is {real} times B0, because repeats are only ever rounded up.",
        {
            "alpha": Figure("α", lambda: ALPHA, "g"),
            "beta": Figure("β", lambda: BETA, "g"),
            "gamma": Figure("γ", lambda: GAMMA, "g"),
            "factor": Figure("α · β² · γ²", lambda: cost_factor(ALPHA, BETA, GAMMA), ".4f"),
            "real": Figure("MACs at φ = 1 over B0's", lambda: growth(scale(1)).ratio, ".2f"),
        },
        "the paper, equation 3; counted here",
        ("scaling", {"scaling": "Curves"}),
    ),
    Claim(
        "b1-depth", "imprecise",
        "B1 is B0 with 10 % more layers.",
        "Its depth multiplier is {depth}, but every stage is rounded up by itself: {before} blocks "
        "become {after}, {more} more.",
        {
            "depth": Figure("depth multiplier of B1", lambda: spec_for("b1").depth, "g"),
            "before": Figure("blocks of B0", lambda: len(b0().blocks)),
            "after": Figure("blocks of B1", lambda: len(spec_for("b1").blocks)),
            "more": Figure(
                "more blocks",
                lambda: round(100 * (len(spec_for("b1").blocks) / len(b0().blocks) - 1)), "p",
            ),
        },
        f"{CODE}, round_repeats",
        ("scaling", {"scaling": "Rounding", "round_net": "B1"}),
    ),
    Claim(
        "accuracy-mixed", "wrong",
        "B4 reaches 83.0 % and B7 84.4 %.",
        "Two versions of the paper are mixed here, and one number is in neither. B4: {b4v5} in "
        "version 5, {b4v1} in version 1. B7: {b7v5} and {b7v1}.",
        {
            "b4v5": Figure("B4, version 5", _top1("b4", "paper_v5"), "p"),
            "b4v1": Figure("B4, version 1", _top1("b4", "paper_v1"), "p"),
            "b7v5": Figure("B7, version 5", _top1("b7", "paper_v5"), "p"),
            "b7v1": Figure("B7, version 1", _top1("b7", "paper_v1"), "p"),
        },
        f"{source('paper_v5').where}; {source('paper_v1').where}",
        ("scaling", {"scaling": "The family"}),
    ),
    Claim(
        "accuracy-recipe", "missing",
        "EfficientNet-B0 reaches 77.1 % on ImageNet.",
        "An accuracy belongs to a training. The official B0 has {base} with plain preprocessing, "
        "{auto} with AutoAugment and {noisy} with Noisy Student; torchvision's B0, another training, "
        "has {tv}.",
        {
            "base": Figure("plain preprocessing", lambda: published("b0").recipes["base"], "p"),
            "auto": Figure("AutoAugment", lambda: published("b0").recipes["autoaugment"], "p"),
            "noisy": Figure("Noisy Student", lambda: published("b0").recipes["noisy_student"], "p"),
            "tv": Figure("torchvision, V1 weights", _top1("b0", "torchvision_v1"), "p"),
        },
        f"{source('official').where}; {source('torchvision_v1').where}",
        ("scaling", {"scaling": "The family"}),
    ),
    Claim(
        "flops", "imprecise",
        "B0 needs 0.39 billion FLOPs.",
        "What the paper prints as {printed} FLOPs are multiply-accumulates: {macs} counted here. Each "
        "is a multiplication and an addition, so in floating-point operations it is {flops}.",
        {
            "printed": Figure("printed for B0", lambda: str(getattr(published("b0").paper_v5, "flops", ""))),
            "macs": Figure("MACs of B0", lambda: b0().macs),
            "flops": Figure("twice the MACs", lambda: 2 * b0().macs),
        },
        f"{source('paper_v5').where}; counted here",
        ("scaling", {"scaling": "The family"}),
    ),
    Claim(
        "dropout", "missing",
        "EfficientNet has a dropout of 0.2.",
        "B0 and B1 have. It grows with the network: {b3} in B3, {b5} in B5, {b7} in B7. Drop-connect "
        "stays at {drop} in all of them.",
        {
            "b3": Figure("dropout of B3", lambda: spec_for("b3").config.dropout, "g"),
            "b5": Figure("dropout of B5", lambda: spec_for("b5").config.dropout, "g"),
            "b7": Figure("dropout of B7", lambda: spec_for("b7").config.dropout, "g"),
            "drop": Figure("drop-connect", lambda: spec_for("b7").config.drop_connect, "g"),
        },
        BUILDER,
        ("compare", {"cmp": "All networks"}),
    ),
    Claim(
        "beyond-b7", "imprecise",
        "The family ends at B7.",
        "The official code has B8, with {b8} parameters at {b8_px} px, and L2, with {l2} at {l2_px} px. "
        "The paper's table ends at B7, which has {b7}.",
        {
            "b8": Figure("parameters of B8", lambda: spec_for("b8").params),
            "b8_px": Figure("input of B8, px", lambda: spec_for("b8").resolution),
            "l2": Figure("parameters of L2", lambda: spec_for("l2").params),
            "l2_px": Figure("input of L2, px", lambda: spec_for("l2").resolution),
            "b7": Figure("parameters of B7", lambda: spec_for("b7").params),
        },
        BUILDER,
        ("compare", {"a": "B7", "b": "L2"}),
    ),
    Claim(
        "head", "missing",
        "The head has 1280 channels.",
        "In B0 and B1. The head is scaled and rounded like every other width: {b2} channels in B2, "
        "{b7} in B7.",
        {
            "b2": Figure("head of B2", lambda: spec_for("b2").head_channels),
            "b7": Figure("head of B7", lambda: spec_for("b7").head_channels),
        },
        f"{CODE}, round_filters",
        ("compare", {"a": "B0", "b": "B7"}),
    ),
)  # fmt: skip
