"""The pieces against hand arithmetic: padding, the gate, drop-connect, initialisation, BN."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from effnet import spec_for
from effnet.network.blocks import ConvNormAct, SqueezeExcite, drop_connect, same_padding
from effnet.network.model import build_model


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"),
    [
        (224, 3, 2, (0, 1)), (225, 3, 2, (1, 1)), (112, 5, 2, (1, 2)), (57, 5, 2, (2, 2)),
        (14, 3, 1, (1, 1)), (14, 5, 1, (2, 2)), (1, 5, 2, (2, 2)), (1, 3, 2, (1, 1)),
    ],
)  # fmt: skip
def test_same_padding(size: int, kernel: int, stride: int, pads: tuple[int, int]) -> None:
    """k3 pads (0, 1), k5 (1, 2) on even sizes; symmetric on odd ones."""
    assert same_padding(size, kernel, stride) == pads


def test_same_padding_by_hand_on_a_row() -> None:
    """Ones, 4 px, k3 s2: SAME reads 0-1-2 and 2-3-pad, symmetric reads pad-0-1 and 1-2-3."""
    results = {}
    for padding in ("same", "symmetric"):
        layer = ConvNormAct(1, 1, 3, 2, spec_for("tiny", padding=padding).config, act=False).eval()
        nn.init.ones_(layer.conv.weight)
        layer.norm.eps = 0.0
        x = torch.arange(1.0, 17.0).reshape(1, 1, 4, 4)
        results[padding] = layer(x).flatten().tolist()
    assert results["same"] == [54, 45, 72, 54]
    assert results["symmetric"] == [14, 30, 57, 99]


def test_the_gate_by_hand() -> None:
    """Two channels with means 1 and 3, reduce to 1, SiLU, expand, sigmoid."""
    se = SqueezeExcite(2, 1, spec_for("tiny").config)
    with torch.no_grad():
        se.reduce.weight.copy_(torch.tensor([0.5, -0.25]).reshape(1, 2, 1, 1))
        se.reduce.bias.copy_(torch.tensor([0.1]))
        se.expand.weight.copy_(torch.tensor([2.0, -4.0]).reshape(2, 1, 1, 1))
        se.expand.bias.copy_(torch.tensor([0.3, 0.0]))
        x = torch.tensor([[[[0.0, 2.0]], [[3.0, 3.0]]]])
        z = 0.5 * 1 - 0.25 * 3 + 0.1
        r = z / (1 + math.exp(-z))
        wanted = [1 / (1 + math.exp(-(2 * r + 0.3))), 1 / (1 + math.exp(4 * r))]
        seen = {}
        gate = se.gate(x, lambda p, t: seen.setdefault(p, t), "b")
    assert gate.flatten().tolist() == pytest.approx(wanted, abs=1e-6)
    assert seen["b.squeeze"].flatten().tolist() == [1.0, 3.0]
    assert seen["b.reduce"].item() == pytest.approx(r, abs=1e-7)
    assert torch.equal(se(x), x * gate)


def test_drop_connect_drops_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.ones(20_000, 2, 1, 1)
    y = drop_connect(x, 0.2, training=True)
    assert set(y.flatten().tolist()) == {0.0, 1.25}
    assert torch.equal(y[:, 0], y[:, 1])
    assert (y == 0).float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert drop_connect(x, 0.2, training=False) is x


def test_only_residual_blocks_drop_and_only_in_training() -> None:
    model = build_model(spec_for("tiny", drop_connect=0.9, dropout=0.0))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    x = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        calm = [model(x) for _ in range(2)]
        for block in model.blocks.values():
            block.training = True
        wild = [model(x) for _ in range(2)]
    assert torch.equal(*calm)
    assert not torch.equal(*wild)


def test_official_initialisation() -> None:
    """Official: std sqrt(2 / fan_out), depthwise fan_out k*k, SE biases 0."""
    model = build_model(spec_for("b0"), seed=3)
    block = model.block("7.2")
    assert block.depthwise.conv.weight.std().item() == pytest.approx(math.sqrt(2 / 25), rel=0.02)
    assert block.project.conv.weight.std().item() == pytest.approx(math.sqrt(2 / 192), rel=0.02)
    assert block.se is not None
    assert block.se.reduce.weight.std().item() == pytest.approx(math.sqrt(2 / 48), rel=0.02)
    assert block.se.expand.bias.abs().max().item() == 0
    bound = 1 / math.sqrt(1000)
    weight = model.classifier.weight
    assert bound * 0.999 < weight.abs().max().item() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)


@pytest.mark.parametrize(("name", "act"), [("b0", nn.SiLU), ("lite0", nn.ReLU6)])
def test_activation_batch_norm_and_biases(name: str, act: type[nn.Module]) -> None:
    model = build_model(spec_for(name), device="meta")
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(1e-3, 0.01)}
    assert {type(m) for m in model.modules() if isinstance(m, (nn.SiLU, nn.ReLU6))} == {act}
    with_bias = [
        n for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and m.bias is not None
    ]
    assert all(".se." in n for n in with_bias)
    assert len(with_bias) == (32 if name == "b0" else 0)
