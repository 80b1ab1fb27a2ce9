"""Runs generated texts, gives networks weights that hide nothing, and ports them to Keras."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effnet import spec_for
from effnet.architecture.spec import Block, Spec
from effnet.codegen import Source, generate
from effnet.network.blocks import MBConv
from effnet.network.model import EfficientNet, build_model

NETWORKS = tuple(f"b{i}" for i in range(8)) + tuple(f"lite{i}" for i in range(5))

KERAS_SUFFIXES = {
    "expand_conv": "expand.conv",
    "expand_bn": "expand.norm",
    "dwconv": "depthwise.conv",
    "bn": "depthwise.norm",
    "se_reduce": "se.reduce",
    "se_expand": "se.expand",
    "project_conv": "project.conv",
    "project_bn": "project.norm",
}
"""Layer names inside a block, as in keras.applications."""

KERAS_ENDS = {
    "stem_conv": "stem.conv",
    "stem_bn": "stem.norm",
    "top_conv": "head.conv",
    "top_bn": "head.norm",
    "predictions": "classifier",
}


def names_of(source: Source, name: str = "generated") -> dict[str, Any]:
    """What the text defines, after running it."""
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(source.text, source.filename, "exec"), namespace)
    return namespace


def key_of(block: Block) -> tuple[object, ...]:
    """What makes a block's arithmetic; drop-connect and the map's size do not."""
    return (
        block.kernel, block.stride, block.expand_ratio, block.in_channels, block.out_channels,
        block.se_channels,
    )  # fmt: skip


@cache
def distinct_blocks(names: tuple[str, ...] = NETWORKS) -> dict[str, tuple[str, str]]:
    """One (network, block) for each distinct block of these networks."""
    found: dict[tuple[object, ...], tuple[str, str]] = {}
    for name in names:
        for block in spec_for(name).blocks:
            found.setdefault(key_of(block), (name, block.id))
    return {f"{name}-{block}": (name, block) for name, block in found.values()}


@torch.no_grad()
def shake(module: nn.Module, seed: int = 0) -> None:
    """Values that would show a swapped tensor: BN statistics and SE biases away from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(tensor: Tensor, low: float, high: float) -> None:
        tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            uniform(part.weight, 0.8, 1.2)
            uniform(part.bias, -0.3, 0.3)
            assert part.running_mean is not None and part.running_var is not None
            uniform(part.running_mean, -0.3, 0.3)
            uniform(part.running_var, 0.5, 1.5)
        elif isinstance(part, nn.Conv2d) and part.bias is not None:
            uniform(part.bias, -0.4, 0.4)


def block_module(spec: Spec, block_id: str) -> MBConv:
    """The library's block with shaken weights, in eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module = MBConv(spec.block(block_id), spec.config).eval()
    shake(module)
    return module


@torch.no_grad()
def network(spec: Spec, size: int = 64) -> EfficientNet:
    """The library's network, shaken, with BN statistics that fit `picture`s, in eval mode.

    Without fitting them, and with branches as strong as what they are added to, rounding errors
    grow by orders of magnitude from block to block.
    """
    model = build_model(spec, seed=2)
    shake(model)
    for block in model.blocks.values():
        block.project.norm.weight.mul_(0.25)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
        norm.train()
    for side in (size, size + 1):
        model(picture(spec.config.in_channels, side, batch=12, seed=side))
    for norm in norms:
        norm.momentum = spec.config.bn_momentum
        assert norm.running_var is not None
        norm.running_var.clamp_(min=norm.running_var.mean().item())
    return model.eval()


def picture(
    channels: int, height: int, width: int | None = None, batch: int = 2, seed: int = 3
) -> Tensor:
    """Soft shapes, noise, and a contrast for each picture."""
    generator = torch.Generator().manual_seed(seed)
    size = (height, height if width is None else width)
    coarse = torch.randn(batch, channels, 3, 3, generator=generator)
    fine = torch.randn(batch, channels, *size, generator=generator)
    contrast = 0.5 + torch.rand(batch, 1, 1, 1, generator=generator)
    return (F.interpolate(coarse, size, mode="bilinear") + 0.5 * fine) * contrast


def difference(a: Tensor, b: Tensor) -> float:
    """Largest absolute difference, in units of the largest value of `b`."""
    assert a.shape == b.shape
    a, b = a.detach(), b.detach()
    return float((a - b).abs().max() / b.abs().max())


def torch_name(layer: str, blocks: bool = True) -> str:
    """`block3b_se_reduce` -> `blocks.4_2.se.reduce`, or `se.reduce` for a block alone."""
    if layer in KERAS_ENDS:
        return KERAS_ENDS[layer]
    prefix, suffix = layer.split("_", 1)
    stage, repeat = int(prefix[5]) + 1, ord(prefix[6:]) - 96
    return (f"blocks.{stage}_{repeat}." if blocks else "") + KERAS_SUFFIXES[suffix]


def port(module: nn.Module, model: Any, blocks: bool = True) -> None:
    """Copy every weight of a torch module into the Keras layer whose name matches; all are used."""
    state = {k: v for k, v in module.state_dict().items() if "num_batches" not in k}
    for layer in model.layers:
        if not layer.weights or layer.name.startswith("normalization"):
            continue
        name = torch_name(layer.name, blocks)
        if layer.name.endswith("bn"):
            fields = ("weight", "bias", "running_mean", "running_var")
        else:
            fields = ("weight", "bias") if f"{name}.bias" in state else ("weight",)
        values = [state.pop(f"{name}.{field}").numpy() for field in fields]
        if values[0].ndim == 4:
            # OIHW -> HWIO; a depthwise kernel (C, 1, k, k) -> (k, k, C, 1)
            axes = (2, 3, 0, 1) if layer.name.endswith("dwconv") else (2, 3, 1, 0)
            values[0] = values[0].transpose(axes)
        elif layer.name == "predictions":
            values[0] = values[0].T
        layer.set_weights(values)
    assert not state, f"not in the Keras text: {sorted(state)}"


def keras_block(spec: Spec, block_id: str, part: str = "mbconv") -> Any:
    """A Keras model of one block (or of its SE), for maps of any size."""
    import keras

    names, block = names_of(generate("keras", spec, part, block_id)), spec.block(block_id)
    if part == "se":
        inputs = keras.Input((None, None, block.expanded_channels))
        return keras.Model(inputs, names["squeeze_excite"](inputs))
    inputs = keras.Input((None, None, block.in_channels))
    return keras.Model(inputs, names["mbconv"](inputs))


def call_keras(model: Any, x: Tensor, training: bool = False) -> Tensor:
    """Give NCHW, get NCHW (or logits)."""
    with torch.no_grad():
        y = model(x.permute(0, 2, 3, 1).contiguous(), training=training)
    return y.permute(0, 3, 1, 2) if y.ndim == 4 else y
