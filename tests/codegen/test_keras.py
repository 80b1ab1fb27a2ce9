"""The Keras 3 text, run on the torch backend: equal to the library's network, weights by layer name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from effnet import scale, spec_for
from effnet.architecture.spec import Spec
from effnet.codegen import generate
from tests.codegen.running import (
    block_module,
    call_keras,
    difference,
    distinct_blocks,
    keras_block,
    names_of,
    network,
    picture,
    port,
)

pytestmark = pytest.mark.filterwarnings(
    # Keras 3.15 hands its torch tensors to NumPy 2 the old way.
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
SYMMETRIC = {"padding": "symmetric", "bn_eps": 1e-5}
SAMPLE = {
    **distinct_blocks(("b0",)),
    **{
        f"{name}-{block}": (name, block)
        for name, block in (
            ("b1", "2.2"), ("b3", "4.1"), ("b5", "3.1"), ("b7", "6.1"), ("b7", "7.1"),
            ("lite0", "2.1"), ("lite0", "3.1"), ("lite2", "7.1"), ("lite4", "6.2"),
        )
    },
}  # fmt: skip


def trainable(model: Any) -> int:
    return sum(keras_weight.numpy().size for keras_weight in model.trainable_weights)


def check_block(spec: Spec, block_id: str) -> None:
    block, ours = spec.block(block_id), block_module(spec, block_id)
    model = keras_block(spec, block_id)
    port(ours, model, blocks=False)
    assert trainable(model) == block.params
    with torch.inference_mode():
        for height, width in ((6, 7), (9, 6)) if block.stride == 2 else ((5, 6),):
            x = picture(block.in_channels, height, width)
            assert difference(call_keras(model, x), ours(x)) < 1e-5


@pytest.mark.parametrize("at", SAMPLE.values(), ids=SAMPLE.keys())
def test_blocks(at: tuple[str, str]) -> None:
    """Every distinct block of B0 and a sample of others; SAME at stride 2 on even and odd sizes."""
    check_block(spec_for(at[0]), at[1])


@pytest.mark.parametrize(
    ("name", "block_id", "settings"),
    [
        ("b0", "3.1", SYMMETRIC),
        ("b0", "4.1", SYMMETRIC),
        ("lite0", "4.2", SYMMETRIC),
        ("b0", "3.2", {"se_reduce_from": "expanded"}),
        ("b0", "4.1", {"se": False}),
    ],
)
def test_blocks_with_other_settings(name: str, block_id: str, settings: dict[str, Any]) -> None:
    check_block(spec_for(name, **settings), block_id)


def test_padding_shows() -> None:
    """The comparison would notice the wrong padding: symmetric text, SAME network, even size."""
    same, symmetric = spec_for("b0"), spec_for("b0", padding="symmetric")
    ours, model = block_module(same, "4.1"), keras_block(symmetric, "4.1")
    port(ours, model, blocks=False)
    with torch.inference_mode():
        even, odd = picture(24, 8), picture(24, 9)
        assert difference(call_keras(model, even), ours(even)) > 0.05
        assert difference(call_keras(model, odd), ours(odd)) < 1e-5


@pytest.mark.parametrize("base", ["input", "expanded"])
def test_the_se_block(base: str) -> None:
    spec = spec_for("b0", se_reduce_from=base)
    block, ours = spec.block("4.2"), block_module(spec, "4.2").se
    model = keras_block(spec, "4.2", "se")
    assert ours is not None
    with torch.no_grad():
        state = ours.state_dict()
        for part in ("reduce", "expand"):
            kernel = state[f"{part}.weight"].permute(2, 3, 1, 0).numpy()
            layer = model.get_layer(f"block3b_se_{part}")
            layer.set_weights([kernel, state[f"{part}.bias"].numpy()])
        x = picture(block.expanded_channels, 5)
        assert difference(call_keras(model, x), ours(x)) < 1e-5
    assert trainable(model) == block.se_params


NETWORKS = {
    "b0": spec_for("b0"),
    "b3": spec_for("b3"),
    "lite0": spec_for("lite0"),
    "small": scale(-3, stem_stride=1, num_classes=10, in_channels=1),
}


@pytest.mark.parametrize("spec", NETWORKS.values(), ids=NETWORKS.keys())
def test_whole_networks(spec: Spec) -> None:
    size = 32 if spec.config.stem_stride == 1 else 64
    ours = network(spec, size)
    model = names_of(generate("keras", spec, "model"))["efficientnet"](resolution=None)
    port(ours, model)
    assert trainable(model) == spec.params
    with torch.inference_mode():
        for side in (size, size + 1):
            x = picture(spec.config.in_channels, side)
            assert difference(call_keras(model, x), ours(x)) < 1e-5
    rates = {b.id: b.drop_connect for b in spec.blocks if b.residual}
    drops = [layer.rate for layer in model.layers if layer.name.endswith("_drop")]
    assert drops == list(rates.values())


def test_symmetric_whole_network() -> None:
    spec = spec_for("tiny", **SYMMETRIC)
    ours = network(spec, 32)
    model = names_of(generate("keras", spec, "model"))["efficientnet"](resolution=None)
    port(ours, model)
    with torch.inference_mode():
        x = picture(3, 32)
        assert difference(call_keras(model, x), ours(x)) < 1e-5


def test_names_and_values_are_those_of_keras_applications() -> None:
    """Weights go from the text's B0 to Keras' own B0 by layer name; the answers are equal.

    Keras' own divides by 255 inside; its other normalisation does nothing without weights.
    """
    import keras

    theirs = keras.applications.EfficientNetB0(
        weights=None, input_shape=(64, 64, 3), classifier_activation=None
    )
    model = names_of(generate("keras", spec_for("b0"), "model"))["efficientnet"](resolution=64)
    port(network(spec_for("b0")), model)
    named = {layer.name for layer in model.layers if layer.weights}
    assert {layer.name for layer in theirs.layers if layer.weights} - named == {"normalization"}
    for name in named:
        theirs.get_layer(name).set_weights(model.get_layer(name).get_weights())
    x = picture(3, 64)
    assert difference(call_keras(model, x), call_keras(theirs, 255 * x)) < 1e-5


@pytest.fixture
def recursion_limit() -> Iterator[None]:
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("recursion_limit")
def test_a_very_deep_network() -> None:
    """Letters end at z, the 26th repeat; Keras' recursion passes Python's limit at some 90 blocks."""
    spec = scale(depth=6.6, width=0.1, resolution=16)
    model = names_of(generate("keras", spec, "model"))["efficientnet"]()
    names = [layer.name for layer in model.layers]
    assert spec.block("7.27") and {"block6z_project_bn", "block6_27_project_bn"} <= set(names)
    assert 'name="block6_27_"' in generate("keras", spec, "mbconv", "7.27").text
    assert trainable(model) == spec.params


def test_initialisation_is_the_official_one() -> None:
    """Standard deviations sqrt(2 / fan_out), k * k for depthwise; layers do not share numbers."""
    import keras

    keras.utils.set_random_seed(0)
    model = names_of(generate("keras", spec_for("b0"), "model"))["efficientnet"](resolution=None)

    def deviation(name: str) -> float:
        return float(model.get_layer(name).get_weights()[0].std())

    assert deviation("block6b_expand_conv") == pytest.approx((2 / 1152) ** 0.5, rel=0.02)
    assert deviation("block6b_dwconv") == pytest.approx((2 / 25) ** 0.5, rel=0.02)
    assert deviation("block6b_se_reduce") == pytest.approx((2 / 48) ** 0.5, rel=0.02)
    kernel, bias = model.get_layer("predictions").get_weights()
    assert abs(kernel).max() == pytest.approx(1000**-0.5, rel=1e-3)
    assert not bias.any()
    twins = [model.get_layer(f"block6{x}_project_conv").get_weights()[0] for x in "bc"]
    assert (twins[0] != twins[1]).any()


def test_drop_connect_drops_whole_samples_at_the_given_rate() -> None:
    import keras

    spec = spec_for("tiny", drop_connect=0.6)
    block = spec.block("7.2")
    model = keras_block(spec, block.id)
    port(block_module(spec, block.id), model, blocks=False)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # in Keras this also keeps its statistics still
    keras.utils.set_random_seed(0)
    x = picture(block.in_channels, 2, batch=4000)
    branch = call_keras(model, x) - x
    drawn = call_keras(model, x, training=True) - x
    kept = drawn.abs().amax((1, 2, 3)) > 1e-6
    assert 1 - kept.float().mean().item() == pytest.approx(block.drop_connect, abs=0.03)
    assert torch.allclose(drawn[kept], branch[kept] / (1 - block.drop_connect), atol=1e-5)
    assert not drawn[~kept].any()


def test_batch_norm_moves_as_in_torch() -> None:
    """One training step. Keras keeps the plain variance, PyTorch n / (n - 1) times it."""
    spec = spec_for("b0", drop_connect=0.0, bn_momentum=0.03)
    ours = block_module(spec, "4.1")
    model = keras_block(spec, "4.1")
    port(ours, model, blocks=False)
    old = {name: tensor.clone() for name, tensor in ours.named_buffers()}
    x = picture(24, 8, batch=4)
    assert difference(call_keras(model, x, training=True), ours.train()(x)) < 1e-4
    for layer, name, values in (
        ("block3a_expand_bn", "expand.norm", 4 * 8 * 8),
        ("block3a_bn", "depthwise.norm", 4 * 4 * 4),
        ("block3a_project_bn", "project.norm", 4 * 4 * 4),
    ):
        mean, var = (torch.from_numpy(w) for w in model.get_layer(layer).get_weights()[2:])
        norm = ours.get_submodule(name)
        assert torch.allclose(mean, norm.running_mean, atol=1e-6)
        assert not torch.allclose(mean, old[f"{name}.running_mean"], atol=1e-4)
        kept = 0.97 * old[f"{name}.running_var"]
        theirs = (var - kept) * values / (values - 1)
        assert torch.allclose(theirs, norm.running_var - kept, atol=1e-6)


@pytest.mark.parametrize(
    ("part", "printed"),
    [
        ("se", "(1, 28, 28, 240)\n5,050 trainable parameters\n"),
        ("mbconv", "(1, 28, 28, 40)\n31,290 trainable parameters\n"),
        ("model", "(1, 1000)\n5,288,548 trainable parameters\n"),
    ],
)
def test_the_check_at_the_end_prints_what_its_comments_say(
    part: str, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = generate("keras", spec_for("b0"), part, "4.2")
    names_of(source, "__main__")
    assert capsys.readouterr().out == printed
    comments = [line.split("  # ")[1] for line in source.text.splitlines()[-2:]]
    assert [c.split(" trainable")[0] for c in printed.splitlines()] == comments
