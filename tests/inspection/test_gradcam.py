"""Grad-CAM against hook-free autograd, hand-made numbers, and a stimulus that moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from effnet import spec_for
from effnet.errors import InspectionError, SpecError
from effnet.inspection.gradcam import grad_cam, place
from effnet.network.model import EfficientNet
from tests.nets import net, picture


def by_autograd(model: EfficientNet, x: Tensor, target: int, block: str) -> np.ndarray:
    """relu(sum_c mean(dlogit/dA_c) * A_c) with no hook and no captum: split the network at A."""
    kept: dict[str, Tensor] = {}

    def split(point: str, t: Tensor) -> Tensor:
        if point != block:
            return t
        kept["a"] = t.detach().requires_grad_()
        return kept["a"]

    with torch.enable_grad():
        logits = model(x, split)
        (grad,) = torch.autograd.grad(logits[:, target].sum(), kept["a"])
    weights = grad.mean((2, 3), keepdim=True)
    return F.relu((weights * kept["a"]).sum(1)).detach().numpy()


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("b0", "head"), ("b0", "8.1"), ("b0", "2.1"), ("b1", "6.4"), ("b2", "7.5"), ("b3", "8.2"),
        ("b3", "4.1"), ("lite0", "8.1"), ("lite1", "5.3"), ("lite2", "head"), ("lite3", "6.5"),
        ("tiny", "5.2"), ("mini", "7.1"),
    ],
)  # fmt: skip
def test_captum_equals_autograd(name: str, block: str) -> None:
    """At a modest size; relative to the map's own maximum."""
    model, x = net(name), picture(64)
    # The first class for which this block holds clear positive evidence.
    target = next(t for t in range(10) if by_autograd(model, x, t, block).max() > 1e-4)
    ours, wanted = grad_cam(model, x, target, block).grid, by_autograd(model, x, target, block)
    assert ours.shape == wanted.shape
    assert np.abs(ours - wanted).max() <= 1e-5 * wanted.max()


def test_the_model_is_left_as_it_was() -> None:
    model = net()
    grads = [p.requires_grad for p in model.parameters()]
    grad_cam(model, picture(), 1, "5.1")
    assert not any(
        m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules()
    )
    assert grads == [p.requires_grad for p in model.parameters()]
    assert all(p.grad is None for p in model.parameters())
    assert not model.training


def test_stretch_is_the_usual_bilinear_one() -> None:
    cam = grad_cam(net(), picture(48), 2, "5.2")
    wanted = F.interpolate(torch.from_numpy(cam.grid)[:, None], size=(48, 48), mode="bilinear")[
        :, 0
    ]
    assert np.allclose(cam.map, wanted.numpy(), atol=1e-6)
    assert cam.map.shape == cam.placed.shape == (1, 48, 48)


@pytest.mark.parametrize(("padding", "centre"), [("same", 31), ("symmetric", 0)])
def test_cells_are_placed_at_their_centres(padding: str, centre: int) -> None:
    """B0 at 224 px: cells 32 px apart, the first one centred on pixel 31 (SAME) or 0."""
    spec = spec_for("b0", padding=padding)
    grid = torch.zeros(1, 7, 7)
    grid[0, 2, 5] = 1.0
    placed = place(grid, spec, "head", (224, 224))[0]
    y, x = divmod(int(placed.argmax()), 224)
    assert (y, x) == (centre + 2 * 32, min(centre + 5 * 32, 223))
    assert placed[y, x].item() == pytest.approx(1)
    assert placed[y - 16, x].item() == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_where_a_cell_looks_is_measured_by_gradient(padding: str) -> None:
    """The centre formula against the gradient of one cell: its support is centred there."""
    model = net("tiny", padding=padding, resolution=64, se=False).double()
    x = picture(64).double().requires_grad_()
    kept: dict[str, Tensor] = {}
    model(x, lambda p, t: kept.setdefault(p, t))
    for block, cell in (("3.1", 8), ("4.1", 4), ("5.1", 2)):
        (grad,) = torch.autograd.grad(kept[block][0, :, cell, cell].sum(), x, retain_graph=True)
        rows = grad[0].abs().sum((0, 2)).nonzero().flatten()
        op = model.spec.operations_of(block)[-1]
        middle = op.centre + cell * op.total_stride
        half = (op.receptive_field - 1) / 2
        assert rows.min().item() == max(0, middle - half)
        assert rows.max().item() == min(63, middle + half)


@pytest.mark.parametrize("bad", [-1, 10, 1.5, True, "cat", None])
def test_classes_that_do_not_exist(bad: object) -> None:
    with pytest.raises(InspectionError, match="classes 0 to 9"):
        grad_cam(net(), picture(), bad)  # type: ignore[arg-type]


def test_blocks_that_do_not_exist() -> None:
    with pytest.raises(SpecError, match="no block"):
        grad_cam(net(), picture(), 1, "9.1")
