"""The PyTorch text, run: equal to the library's network with the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from effnet import scale, spec_for
from effnet.architecture.spec import Spec
from effnet.codegen import generate
from effnet.network.model import EfficientNet
from effnet.weights.layouts import LAYOUTS, rename
from tests.codegen.running import (
    block_module,
    difference,
    distinct_blocks,
    names_of,
    network,
    picture,
    shake,
)

SYMMETRIC = {"padding": "symmetric", "bn_eps": 1e-5}


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("settings", [{}, SYMMETRIC], ids=["same", "symmetric"])
@pytest.mark.parametrize("at", distinct_blocks().values(), ids=distinct_blocks().keys())
def test_every_distinct_block(at: tuple[str, str], settings: dict[str, object]) -> None:
    """B0 to B7 and Lite0 to Lite4, at an even and an odd size, so that padding shows."""
    name, block_id = at
    spec = spec_for(name, **settings)
    block, ours = spec.block(block_id), block_module(spec, block_id)
    text = names_of(generate("pytorch", spec, "mbconv", block_id))["MBConv"]().eval()
    text.load_state_dict(ours.state_dict(), strict=True)
    assert parameters(text) == block.params
    assert text.drop_rate == block.drop_connect
    with torch.inference_mode():
        for height, width in ((6, 7), (9, 6)) if block.stride == 2 else ((5, 6),):
            x = picture(block.in_channels, height, width)
            assert difference(text(x), ours(x)) < 1e-5


@pytest.mark.parametrize("at", [("b0", "2.1"), ("b0", "4.2"), ("b7", "7.3")])
@pytest.mark.parametrize("base", ["input", "expanded"])
def test_the_se_block(at: tuple[str, str], base: str) -> None:
    spec = spec_for(at[0], se_reduce_from=base)
    block, ours = spec.block(at[1]), block_module(spec, at[1]).se
    assert ours is not None
    text = names_of(generate("pytorch", spec, "se", at[1]))["SqueezeExcite"]()
    text.load_state_dict(ours.state_dict(), strict=True)
    assert parameters(text) == block.se_params
    x = picture(block.expanded_channels, 5)
    assert torch.equal(text(x), ours(x))


NETWORKS = {
    "b0": spec_for("b0"),
    "b3": spec_for("b3"),
    "lite0": spec_for("lite0"),
    "mini": spec_for("mini"),
    "small": scale(-3, stem_stride=1, num_classes=10, drop_connect=0.0, dropout=0.0),
    "grey": scale(width=0.3, depth=0.2, resolution=33, in_channels=1, num_classes=1),
    "no-se": spec_for("b0", se=False),
    "expanded": spec_for("b0", se_reduce_from="expanded"),
    "symmetric": spec_for("b0", **SYMMETRIC),
    "lite-2.5": scale(2.5, lite=True, bn_momentum=0.1),
}


@pytest.mark.parametrize("spec", NETWORKS.values(), ids=NETWORKS.keys())
def test_whole_networks(spec: Spec) -> None:
    size = 32 if spec.config.stem_stride == 1 else 64
    ours = network(spec, size)
    text = names_of(generate("pytorch", spec, "model"))["EfficientNet"]().eval()
    text.load_state_dict(ours.state_dict(), strict=True)
    assert parameters(text) == spec.params
    with torch.inference_mode():
        for side in (size, size + 1):
            x = picture(spec.config.in_channels, side)
            assert difference(text(x), ours(x)) < 1e-5
    assert [b.drop_rate for b in text.blocks.values()] == [b.drop_connect for b in spec.blocks]
    assert text.dropout.p == spec.config.dropout
    norms = [m for m in text.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(spec.config.bn_eps, spec.config.bn_momentum)}


def test_b0_at_its_own_size() -> None:
    spec = spec_for("b0")
    ours = network(spec, 64)
    text = names_of(generate("pytorch", spec, "model"))["EfficientNet"]().eval()
    text.load_state_dict(ours.state_dict(), strict=True)
    with torch.inference_mode():
        x = picture(3, 224, batch=1)
        assert difference(text(x), ours(x)) < 1e-5


@pytest.mark.parametrize(
    ("name", "settings", "theirs"),
    [
        ("b3", {}, 'timm.create_model("tf_efficientnet_b3", pretrained=True)'),
        ("lite2", {}, 'timm.create_model("tf_efficientnet_lite2", pretrained=True)'),
        ("b4", SYMMETRIC, 'torchvision.models.efficientnet_b4(weights="DEFAULT")'),
        ("b5", {"padding": "symmetric"}, 'torchvision.models.efficientnet_b5(weights="DEFAULT")'),
        ("b5", SYMMETRIC, None),
        ("l2", SYMMETRIC, None),
        ("lite0", SYMMETRIC, None),
        ("b0", {"se_reduce_from": "expanded"}, None),
        ("b0", {"num_classes": 10}, None),
        ("mini", {}, None),
    ],
)
def test_it_says_which_released_weights_fit(
    name: str, settings: dict[str, object], theirs: str | None
) -> None:
    text = generate("pytorch", spec_for(name, **settings), "model").text
    assert ("Released weights fit" in text) == (theirs is not None)
    if theirs:
        assert f"\ntheirs = {theirs}\n" in text


def test_released_weights_go_in_one_after_the_other() -> None:
    """As the docstring says, with a library that was built by others; then the answers are equal."""
    import efficientnet_pytorch

    torch.manual_seed(4)
    theirs = efficientnet_pytorch.EfficientNet.from_name("efficientnet-b0", image_size=64).eval()
    shake(theirs)
    source = generate("pytorch", spec_for("b0"), "model")
    text = names_of(source)["EfficientNet"]().eval()
    line = next(row for row in source.text.splitlines() if "load_state_dict" in row)
    exec(line, {"model": text, "values": theirs.state_dict().values()})
    with torch.inference_mode():
        x = picture(3, 64)
        assert difference(text(x), theirs(x)) < 1e-4


@pytest.mark.parametrize("name", ["b0", "b7"])
def test_the_order_is_that_of_torchvision(name: str) -> None:
    """torchvision's layers are numbered in the order in which they stand in its state dict."""
    found = rename(LAYOUTS["torchvision"], spec_for(name))
    names = [found[key].name.split(".")[:-1] for key in found if key.endswith(".weight")]
    features = [parts for parts in names if parts[0] == "features"]
    assert features == sorted(
        features, key=lambda parts: [int(p) if p.isdigit() else 0 for p in parts if p != "block"]
        + [parts[-1] == "fc2"],
    )  # fmt: skip
    text = names_of(generate("pytorch", spec_for(name), "model"))["EfficientNet"]()
    assert [k for k in text.state_dict() if not k.endswith("num_batches_tracked")] == list(found)


@pytest.mark.parametrize("name", ["b0", "lite0", "mini"])
def test_the_same_seed_gives_the_same_initial_weights(name: str) -> None:
    """So the text has the library's, that is the official, initialisation."""
    spec = spec_for(name)
    torch.manual_seed(5)
    ours = EfficientNet(spec).state_dict()
    torch.manual_seed(5)
    text = names_of(generate("pytorch", spec, "model"))["EfficientNet"]().state_dict()
    assert list(text) == list(ours)
    assert all(torch.allclose(text[key], ours[key], rtol=1e-6, atol=0) for key in ours)


def test_one_training_step_is_the_same() -> None:
    """Same seed: the same samples drop, and BN statistics move alike (momentum)."""
    spec = spec_for("tiny", drop_connect=0.6, dropout=0.3, bn_momentum=0.2)
    ours = network(spec, 32).train()
    text = names_of(generate("pytorch", spec, "model"))["EfficientNet"]().train()
    text.load_state_dict(ours.state_dict(), strict=True)
    before = text.stem.norm.running_mean.clone()
    x, outputs = picture(3, 32, batch=6), []
    for model in (ours, text):
        torch.manual_seed(11)
        y = model(x)
        y.square().sum().backward()
        outputs.append(y.detach())
    assert difference(outputs[1], outputs[0]) < 1e-5
    assert not torch.equal(text.stem.norm.running_mean, before)
    for (name, a), (_, b) in zip(text.named_buffers(), ours.named_buffers(), strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-6), name
    for (name, a), (_, b) in zip(text.named_parameters(), ours.named_parameters(), strict=True):
        assert a.grad is not None and b.grad is not None
        assert difference(a.grad, b.grad) < 1e-4, name


def test_drop_connect_drops_whole_samples_at_the_given_rate() -> None:
    """Rate 0.6 * 8 / 10 in block 7.2 of `tiny`; a kept branch is divided by 0.52."""
    spec = spec_for("tiny", drop_connect=0.6)
    block = spec.block("7.2")
    assert block.residual and block.drop_connect == 0.6 * 8 / 10
    text = names_of(generate("pytorch", spec, "mbconv", block.id))["MBConv"]().eval()
    shake(text)
    x = picture(block.in_channels, 2, batch=4000)
    with torch.inference_mode():
        branch = text(x) - x
        text.training = True  # only the block itself: its batch norms stay as they are
        torch.manual_seed(0)
        drawn = text(x) - x
    kept = drawn.abs().amax((1, 2, 3)) > 0
    assert 1 - kept.float().mean().item() == pytest.approx(block.drop_connect, abs=0.03)
    assert torch.allclose(drawn[kept], branch[kept] / (1 - block.drop_connect), atol=1e-5)
    assert not drawn[~kept].any()


@pytest.mark.parametrize(
    ("part", "printed"),
    [
        ("se", "(1, 240, 28, 28)\n5,050 parameters\n"),
        ("mbconv", "(1, 40, 28, 28)\n31,290 parameters\n"),
        ("model", "(1, 1000)\n5,288,548 parameters\n"),
    ],
)
def test_the_check_at_the_end_prints_what_its_comments_say(
    part: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = generate("pytorch", spec_for("b0"), part, "4.2")
    names_of(source, "__main__")
    assert capsys.readouterr().out == printed
    comments = [line.split("  # ")[1] for line in source.text.splitlines()[-2:]]
    assert comments == printed.splitlines()
