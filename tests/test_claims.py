"""Every figure of every claim equals the one found by hand or by six libraries."""

from __future__ import annotations

import subprocess
import sys

import pytest

from effnet.claims import CLAIMS, VERDICTS, Claim

BY_HAND: dict[str, dict[str, object]] = {
    "se-width": {"official": 5_288_548, "expanded": 8_423_848},
    "se-example": {"wide": 192, "narrow": 8, "official": 18_120, "tutorial": 33_520},
    "se-per-stage": {"widths": "8; 4, 6; 6, 10; 10, 20; 20, 28; 28, 48; 48"},
    "se-cost": {
        "macs": 627_200 / 385_814_752, "params": 636_540 / 5_288_548,
        "b7": 11_973_104 / 66_347_960,
    },
    "se-ratio": {"r": 16, "ratio": 0.25, "real": 24},
    "se-layers": {"params": 240 * 10 + 10 + 10 * 240 + 240},
    "lite-se": {
        "lite_se": 0, "act": "ReLU6", "stem": 32, "head": 1280, "b4_stem": 48, "b4_head": 1792,
    },
    "senet-154": {"error": 18.68, "top1": 81.32, "paper": 82.7},
    "keras-multiply": {"map": "240 × 28 × 28", "gates": "240 × 1 × 1"},
    "se-loading": {"official": "10 × 240", "expanded": "60 × 240"},
    "cost-factor": {"alpha": 1.2, "beta": 1.1, "gamma": 1.15, "factor": 1.92027, "real": 2.5728},
    "dropout": {"b3": 0.3, "b5": 0.4, "b7": 0.5, "drop": 0.2},
    "beyond-b7": {
        "b8": 87_413_142, "b8_px": 672, "l2": 480_309_308, "l2_px": 800, "b7": 66_347_960,
    },
    "stage-six-map": {"v1": "28×28", "v5": "14×14", "stage": 5, "taken": "14×14", "given": "14×14"},
    "initialisation": {"depthwise": 0.2828, "channels": 240, "all": 0.01826},
    "phi-index": {"depth": 0.523, "width": 0.0, "resolution": 0.494, "law": 258, "b1": 240},
    "b1-depth": {"depth": 1.1, "before": 16, "after": 23, "more": 44},
    "accuracy-mixed": {"b4v5": 82.9, "b4v1": 82.6, "b7v5": 84.3, "b7v1": 84.4},
    "accuracy-recipe": {"base": 76.7, "auto": 77.1, "noisy": 78.8, "tv": 77.692},
    "flops": {"printed": "0.39B", "macs": 385_814_752, "flops": 771_629_504},
    "head": {"b2": 1408, "b7": 2560},
    "depthwise": {"depthwise": 25 * 240, "project": 240 * 40},
    "project": {"residual": 9, "blocks": 16, "into": 24, "out": 40},
    "silu": {"one": 0.7310586},
    "conv-bias": {"biases": 9_340},
    "numbering": {"six": 112, "six_blocks": 3, "seven": 192, "seven_blocks": 4},
    "padding": {"same": 31, "symmetric": 0},
    "batch-norm": {"eps": 1e-3, "momentum": 0.01, "torch_eps": 1e-5, "torch_momentum": 0.1},
    "drop-connect": {"first": 0.2 * 2 / 16, "last": 0.2 * 14 / 16, "rate": 0.2},
}  # fmt: skip

PAGES = {"architecture", "code", "compare", "gradcam", "scaling"}


def test_the_same_claims_and_no_two_alike() -> None:
    keys = [claim.key for claim in CLAIMS]
    assert len(keys) == len(set(keys))
    assert set(keys) == set(BY_HAND)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.key)
def test_every_live_figure_equals_the_one_by_hand(claim: Claim) -> None:
    expected = BY_HAND[claim.key]
    assert set(claim.figures) == set(expected)
    for name, figure in claim.figures.items():
        wanted = expected[name]
        if isinstance(wanted, float):
            assert figure.value() == pytest.approx(wanted, abs=5e-4)
        else:
            assert figure.value() == wanted


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda c: c.key)
def test_every_answer_is_whole_short_and_has_its_figures(claim: Claim) -> None:
    answer = claim.answer
    assert "{" not in answer
    assert all(figure.text in answer for figure in claim.figures.values())
    assert len(claim.heard) <= 80
    assert len(answer) <= 340
    assert answer.endswith(".")
    assert claim.source
    assert claim.verdict in VERDICTS
    assert not claim.see or claim.see[0] in PAGES


def test_the_answer_types_no_figure_itself() -> None:
    """Numbers of three digits or more come in through a figure; what is quoted is another's."""
    for claim in CLAIMS:
        digits = [word for word in claim.right.split() if sum(c.isdigit() for c in word) >= 3]
        allowed = {"2017,", "2016)", "2016);", "2017"}
        assert [d for d in digits if d not in allowed] == [], claim.key


def test_the_counts_of_conv_biases_in_the_real_module() -> None:
    import torch

    from effnet import EfficientNet, spec_for

    model = EfficientNet(spec_for("b0"))
    biases = [m.bias for m in model.modules() if isinstance(m, torch.nn.Conv2d)]
    assert sum(b.numel() for b in biases if b is not None) == 9_340


def test_claims_need_no_torch() -> None:
    code = "import effnet.claims, sys; [c.answer for c in effnet.claims.CLAIMS]; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
