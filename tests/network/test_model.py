"""The built network has the spec's shapes, parameters and MACs; taps and views keep to themselves."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from effnet import spec_for
from effnet.architecture.spec import Spec
from effnet.errors import SpecError
from effnet.network.model import EfficientNet, build_model
from tests.conftest import RELEASED


def tiny(seed: int = 0, **changes: object) -> EfficientNet:
    return build_model(spec_for("tiny", **changes), seed=seed)


def picture(size: int = 32, seed: int = 0, n: int = 1) -> Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(seed))


def points_of(spec: Spec) -> dict[str, tuple[int, int, int]]:
    """Where a tap sees a tensor, and the shape that the spec says it has there."""
    after = {
        "expand.act": "expand", "depthwise.act": "depthwise", "se.squeeze": "squeeze",
        "se.act": "reduce", "se.sigmoid": "gate", "se.scale": "scaled", "project.norm": "project",
    }  # fmt: skip
    shapes = {"stem": spec.operations_of("stem")[-1].out_shape}
    for block in spec.blocks:
        for op in spec.operations_of(block.id):
            if (point := after.get(f"{op.part}.{op.name}")) is not None:
                shapes[f"{block.id}.{point}"] = op.out_shape
        shapes[block.id] = spec.operations_of(block.id)[-1].out_shape
    head = spec.operations_of("head")
    shapes["head"] = head[2].out_shape
    shapes["pool"] = (spec.head_channels, 1, 1)
    return shapes


@pytest.mark.parametrize("name", [*RELEASED, "tiny"])
def test_shapes_parameters_and_macs_are_the_specs(name: str) -> None:
    spec = spec_for(name)
    model = build_model(spec, device="meta")
    assert sum(p.numel() for p in model.parameters()) == spec.params
    for block in spec.blocks:
        assert sum(p.numel() for p in model.block(block.id).parameters()) == block.params
    seen: dict[str, tuple[int, ...]] = {}

    def look(point: str, x: Tensor) -> Tensor:
        seen[point] = tuple(x.shape[1:])
        return x

    counter = FlopCounterMode(display=False)
    x = torch.empty(1, 3, spec.resolution, spec.resolution, device="meta")
    with torch.inference_mode(), counter:
        logits = model(x, look)
    assert logits.shape == (1, spec.num_classes)
    assert counter.get_total_flops() == 2 * spec.macs
    wanted = points_of(spec)
    wanted["pool"] = wanted["pool"][:1]  # type: ignore[assignment]
    assert seen == wanted


@pytest.mark.parametrize("padding", ["same", "symmetric"])
@pytest.mark.parametrize("size", [1, 2, 7, 31, 32, 33, 50])
def test_any_input_size_has_the_shapes_of_the_spec(size: int, padding: str) -> None:
    model = tiny(padding=padding)
    sizes = []

    def look(point: str, x: Tensor) -> Tensor:
        if point.count(".") == 1:
            sizes.append(x.shape[-1])
        return x

    with torch.inference_mode():
        assert model(picture(size), look).shape == (1, 10)
    expected = []
    side = -(-size // 2)
    for block in model.spec.blocks:
        side = -(-side // block.stride)
        expected.append(side)
    assert sizes == expected


def test_a_tap_changes_the_answer_only_of_its_own_call() -> None:
    model, x = tiny(), picture()
    with torch.inference_mode():
        plain = model(x)
        seen = model(x, lambda _, t: t)
        closed = model(x, lambda p, t: torch.zeros_like(t) if p == "5.2.gate" else t)
        again = model(x)
    assert torch.equal(plain, seen)
    assert torch.equal(plain, again)
    assert not torch.equal(plain, closed)


@pytest.mark.parametrize("name", ["tiny"])
def test_resuming_from_any_block_is_bit_for_bit_the_full_run(name: str) -> None:
    model, x = build_model(spec_for(name)), picture()
    inputs: dict[str, Tensor] = {}
    ids = model.spec.block_ids
    following = dict(zip(["stem", *ids], ids, strict=False))

    def keep(point: str, t: Tensor) -> Tensor:
        if point in following:
            inputs[following[point]] = t
        return t

    with torch.inference_mode():
        full = model(x, keep)
        for block_id in ids:
            assert torch.equal(model.forward_from(block_id, inputs[block_id]), full)
    with pytest.raises(SpecError, match="no block"):
        model.forward_from("9.9", x)


def test_a_private_view_shares_weights_and_nothing_else() -> None:
    model = tiny()
    view = model.private_view()
    ours, theirs = dict(model.named_parameters()), dict(view.named_parameters())
    assert all(ours[k] is theirs[k] for k in ours)
    assert all(a is b for a, b in zip(model.buffers(), view.buffers(), strict=True))
    assert not set(map(id, model.modules())) & set(map(id, view.modules()))
    handle = view.block("5.1").register_forward_hook(lambda *_: None)
    view.train()
    assert not any(m._forward_hooks for m in model.modules())
    assert not any(m.training for m in model.modules())
    handle.remove()


def test_building_is_reproducible_and_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b, c = tiny(seed=1), tiny(seed=1), tiny(seed=2)
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(a.classifier.weight, b.classifier.weight)
    assert not torch.equal(a.classifier.weight, c.classifier.weight)
    with pytest.raises(SpecError, match="built from a Spec"):
        build_model("b0")  # type: ignore[arg-type]
