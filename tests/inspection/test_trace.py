"""One run gives logits, gates and maps; checked against the modules called by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import effnet
from effnet.errors import InspectionError
from effnet.inspection.gradcam import grad_cam
from effnet.inspection.trace import points, trace
from tests.nets import net, picture


def test_the_package_gives_its_names() -> None:
    assert effnet.trace is trace
    assert {"EfficientNet", "load", "grad_cam", "spec_for", "scale"} <= set(effnet.__all__)
    with pytest.raises(AttributeError):
        effnet.nothing  # noqa: B018


def test_gates_and_maps_equal_the_modules_by_hand() -> None:
    model, x = net(), picture(n=2)
    seen = trace(model, x, features=("5.2.depthwise", "5.2.scaled", "5.2", "head"))
    with torch.no_grad():
        y = model.stem(x)
        for name, block in model.blocks.items():
            if name == "5_2":
                wide = block.depthwise(block.expand(y))
                pooled = wide.mean((2, 3))
                r = torch.nn.functional.silu(
                    pooled @ block.se.reduce.weight[:, :, 0, 0].T + block.se.reduce.bias
                )
                gate = torch.sigmoid(
                    r @ block.se.expand.weight[:, :, 0, 0].T + block.se.expand.bias
                )
                out = block.project(wide * gate[:, :, None, None]) + y
            y = block(y)
        logits = model(x)
    assert np.allclose(seen.logits, logits.numpy(), atol=1e-6)
    assert np.allclose(seen.gates["5.2"], gate.numpy(), atol=1e-6)
    assert np.allclose(seen.features["5.2.depthwise"], wide.numpy(), atol=1e-5)
    scaled = wide.numpy() * gate.numpy()[:, :, None, None]
    assert np.allclose(seen.features["5.2.scaled"], scaled, atol=1e-5)
    assert np.allclose(seen.features["5.2"], out.numpy(), atol=1e-5)


def test_every_se_block_has_a_gate_and_no_gate_is_trivial() -> None:
    model = net()
    seen = trace(model, picture())
    assert list(seen.gates) == list(model.spec.block_ids)
    for block in model.spec.blocks:
        gate = seen.gates[block.id]
        assert gate.shape == (1, block.expanded_channels)
        assert gate.dtype == np.float32
        assert 0 < gate.min() < gate.max() < 1


def test_lite_has_no_gates() -> None:
    assert trace(net("lite0", resolution=32), picture()).gates == {}


def test_every_point_can_be_asked_for() -> None:
    model = net()
    seen = trace(model, picture(), features=points(model))
    assert set(seen.features) == set(points(model))
    assert seen.features["pool"].shape == (1, model.spec.head_channels)


def test_top_is_sorted_and_sums_to_one() -> None:
    seen = trace(net(), picture())
    top = seen.top(10)
    p = np.exp(seen.logits[0] - seen.logits[0].max())
    assert [i for i, _ in top] == list(np.argsort(-p))
    assert sum(v for _, v in top) == pytest.approx(1, abs=1e-6)
    assert dict(top)[int(p.argmax())] == pytest.approx(p.max() / p.sum(), rel=1e-5)


def test_results_are_copies() -> None:
    model, x = net(), picture()
    first = trace(model, x, features=("stem",))
    first.features["stem"][:] = 0
    first.gates["5.1"][:] = 7
    again = trace(model, x, features=("stem",))
    assert again.features["stem"].any()
    assert again.gates["5.1"].max() < 1


@pytest.mark.parametrize(
    "x", [torch.zeros(3, 32, 32), torch.zeros(1, 4, 32, 32), torch.zeros(0, 3, 32, 32),
          torch.full((1, 3, 32, 32), float("nan")), "picture", torch.full((1, 3, 8, 8), float("inf"))],
)  # fmt: skip
def test_what_is_no_picture_is_refused(x: object) -> None:
    with pytest.raises(InspectionError):
        trace(net(), x)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_one_value_that_is_no_number_is_found_wherever_it_is(bad: float) -> None:
    for at in (0, 1000, 32 * 32 * 3 - 1):
        x = picture()
        x.view(-1)[at] = bad
        with pytest.raises(InspectionError, match="finite"):
            trace(net(), x)


def test_unknown_points_are_refused() -> None:
    with pytest.raises(InspectionError, match=r"no point '9\.9'"):
        trace(net(), picture(), features=("9.9",))


def test_a_float64_network_is_read_in_float64() -> None:
    """Within 1e-12 of a plain pass; float32 copies would be 1e-8 off."""
    model, x = net().double(), picture(32).double()
    with torch.inference_mode():
        wanted = model(x).numpy()
    seen = trace(model, x, features=("4.1",))
    assert np.abs(seen.logits - wanted).max() <= 1e-12
    assert {a.dtype for a in (seen.logits, *seen.gates.values(), seen.features["4.1"])} == {
        np.dtype("float64")
    }
    cam = grad_cam(model, x, 1, "4.1")
    assert cam.grid.dtype == cam.map.dtype == cam.placed.dtype == np.float64
