"""Long sweeps: the texts of B1 to B7 beside the networks of two other libraries, weights copied."""

from __future__ import annotations

import pytest
import torch

from effnet import spec_for
from effnet.codegen import generate
from tests.codegen.running import (
    NETWORKS,
    call_keras,
    difference,
    distinct_blocks,
    names_of,
    network,
    picture,
    port,
)
from tests.codegen.test_keras import SAMPLE, check_block
from tests.conftest import reference_variants

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        # Keras 3.15 hands its torch tensors to NumPy 2 the old way.
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
]
SIDE = 64
OTHERS = {name: at for name, at in distinct_blocks().items() if at not in SAMPLE.values()}


@pytest.mark.parametrize("at", OTHERS.values(), ids=OTHERS.keys())
def test_every_other_distinct_block_in_keras(at: tuple[str, str]) -> None:
    check_block(spec_for(at[0]), at[1])


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_are_those_of_the_reference(name: str) -> None:
    """Parameters of the running PyTorch text against the figures of six libraries."""
    with torch.device("meta"):
        text = names_of(generate("pytorch", spec_for(name), "model"))["EfficientNet"]()
    row = reference_variants()[name]
    assert sum(p.numel() for p in text.parameters()) == int(row["params_trainable"])
    statistics = [b for key, b in text.named_buffers() if "running" in key]
    assert sum(b.numel() for b in statistics) == int(row["bn_running_stat_values"])


@pytest.mark.parametrize("name", [f"b{i}" for i in range(8)])
def test_the_same_as_efficientnet_pytorch(name: str) -> None:
    """Its padding is fixed at construction, so it is built for the size of the picture."""
    import efficientnet_pytorch

    spec = spec_for(name)
    ours = network(spec, SIDE)
    text = names_of(generate("pytorch", spec, "model"))["EfficientNet"]().eval()
    text.load_state_dict(ours.state_dict())
    full = f"efficientnet-{name}"
    theirs = efficientnet_pytorch.EfficientNet.from_name(full, image_size=SIDE).eval()
    values = text.state_dict().values()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), values, strict=True)))
    x = picture(3, SIDE)
    with torch.inference_mode():
        assert difference(text(x), theirs(x)) < 1e-5


@pytest.mark.parametrize("name", [f"b{i}" for i in range(1, 8)])
def test_the_same_as_keras_applications(name: str) -> None:
    """Answers, names and variables of the layers, batch norm and the rates of drop-connect."""
    import keras

    spec = spec_for(name)
    theirs = getattr(keras.applications, f"EfficientNet{name.upper()}")(
        weights=None, input_shape=(SIDE, SIDE, 3), classifier_activation=None
    )
    text = names_of(generate("keras", spec, "model"))["efficientnet"](resolution=SIDE)
    port(network(spec, SIDE), text)
    for layer in text.layers:
        if layer.weights:
            theirs.get_layer(layer.name).set_weights(layer.get_weights())
        if isinstance(layer, keras.layers.BatchNormalization):
            other = theirs.get_layer(layer.name)
            assert (layer.momentum, layer.epsilon) == (other.momentum, other.epsilon)
    x = picture(3, SIDE)
    with torch.inference_mode():
        assert difference(call_keras(text, x), call_keras(theirs, 255 * x)) < 1e-5
    rates, others = (
        {layer.name: layer.rate for layer in m.layers if layer.name.endswith("_drop")}
        for m in (text, theirs)
    )
    assert rates == pytest.approx({name: others.get(name, 0.0) for name in rates}, abs=1e-12)
    assert set(others) <= set(rates)
