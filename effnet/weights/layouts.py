"""How five libraries name the tensors of one EfficientNet: tables, not regular expressions.

| layout | libraries | names |
|---|---|---|
| `ours` | this one | `blocks.4_2.depthwise.conv.weight` |
| `torchvision` | torchvision | `features.3.1.block.1.0.weight` |
| `timm` | timm, geffnet | `blocks.2.1.conv_dw.weight` |
| `lukemelas` | efficientnet_pytorch, efficientnet_lite_pytorch | `_blocks.4._depthwise_conv.weight` |
| `keras` | keras.applications, tf.keras, qubvel | `block3b_dwconv/kernel`, kernels as HWIO |

Traps that the tables settle (each has a test): the same name means different parts in a block with
and without expansion (timm `conv_pw` and `bn1`, torchvision `block.0`, lukemelas `_bn0`), and inside
and outside a block. SE convolutions are 1x1 *convolutions*, 4-D, in every library.

A layout does not say which padding and BN epsilon the weights need; see `families.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from effnet.architecture.spec import Block, Spec

Shape = tuple[int, ...]


class Their(NamedTuple):
    """What another library calls one of our tensors; ours is theirs permuted by `axes`."""

    name: str
    axes: tuple[int, ...] | None = None

    def their_shape(self, ours: Shape) -> Shape:
        if self.axes is None:
            return ours
        theirs = [0] * len(ours)
        for mine, axis in enumerate(self.axes):
            theirs[axis] = ours[mine]
        return tuple(theirs)


class Module(NamedTuple):
    """One layer with weights. `kind`: conv, depthwise, norm, gate (1x1 conv with bias), linear."""

    ours: str
    part: str
    kind: str
    weight: Shape
    block: Block | None = None
    flat: int = 0  # 0-based number of the block in the whole network


VALUES = {
    "conv": ("weight",),
    "depthwise": ("weight",),
    "norm": ("weight", "bias", "running_mean", "running_var"),
    "gate": ("weight", "bias"),
    "linear": ("weight", "bias"),
}
"""The tensors of each kind of layer; torch's batch norm also counts batches, which is optional."""

COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Layout:
    """One naming scheme.

    Attributes:
        mark: a tensor's name that only this layout has.
        outer: names of stem, head and classifier. first, rest: names of a block's parts, in a
            block without and with expansion.
        prefix: from (stage 2..8, repeat from 1, flat index from 0) to what a block's names start
            with.
        classifiers: every name under which the classifier is found; the first is the usual one.
        variables: our value's name to theirs, by kind of layer, where they differ.
        axes: how their kernels are permuted into ours, by kind of layer.
        without_se: whether the library has networks without squeeze-and-excitation.
    """

    name: str
    title: str
    mark: str
    outer: Mapping[str, str]
    first: Mapping[str, str]
    rest: Mapping[str, str]
    prefix: Callable[[int, int, int], str]
    classifiers: tuple[str, ...]
    joint: str = "."
    variables: Mapping[str, Mapping[str, str]] | None = None
    axes: Mapping[str, tuple[int, ...]] | None = None
    without_se: bool = True

    def module(self, module: Module, classifier: str | None = None) -> str:
        """Their name of a layer."""
        if module.part == "classifier":
            return classifier or self.classifiers[0]
        if module.block is None:
            return self.outer[module.part]
        table = self.first if module.block.expand_ratio == 1 else self.rest
        prefix = self.prefix(module.block.stage, module.block.repeat, module.flat)
        return prefix + table[module.part]

    def value(self, kind: str, value: str) -> str:
        """Their name of a layer's tensor, e.g. `gamma` for a norm's `weight`."""
        return (self.variables or {}).get(kind, {}).get(value, value)

    def their(self, module: Module, value: str, classifier: str | None = None) -> Their:
        axes = (self.axes or {}).get(module.kind) if value == "weight" else None
        theirs = self.module(module, classifier)
        return Their(f"{theirs}{self.joint}{self.value(module.kind, value)}", axes)


_OUR_PARTS = {
    part: part
    for part in (
        "expand.conv", "expand.norm", "depthwise.conv", "depthwise.norm", "se.reduce", "se.expand",
        "project.conv", "project.norm",
    )
}  # fmt: skip

OURS = Layout(
    name="ours",
    title="this project",
    mark="stem.conv.weight",
    outer={p: p for p in ("stem.conv", "stem.norm", "head.conv", "head.norm")},
    first=_OUR_PARTS,
    rest=_OUR_PARTS,
    prefix=lambda stage, repeat, _: f"blocks.{stage}_{repeat}.",
    classifiers=("classifier",),
)

TORCHVISION = Layout(
    name="torchvision",
    title="torchvision",
    mark="features.0.0.weight",
    outer={
        "stem.conv": "features.0.0", "stem.norm": "features.0.1",
        "head.conv": "features.8.0", "head.norm": "features.8.1",
    },
    first={
        "depthwise.conv": "0.0", "depthwise.norm": "0.1", "se.reduce": "1.fc1",
        "se.expand": "1.fc2", "project.conv": "2.0", "project.norm": "2.1",
    },
    rest={
        "expand.conv": "0.0", "expand.norm": "0.1", "depthwise.conv": "1.0",
        "depthwise.norm": "1.1", "se.reduce": "2.fc1", "se.expand": "2.fc2",
        "project.conv": "3.0", "project.norm": "3.1",
    },
    prefix=lambda stage, repeat, _: f"features.{stage - 1}.{repeat - 1}.block.",
    classifiers=("classifier.1", "classifier"),
    without_se=False,
)  # fmt: skip

_TIMM_SE = {"se.reduce": "se.conv_reduce", "se.expand": "se.conv_expand"}
TIMM = Layout(
    name="timm",
    title="timm or geffnet",
    mark="conv_stem.weight",
    outer={
        "stem.conv": "conv_stem", "stem.norm": "bn1", "head.conv": "conv_head", "head.norm": "bn2",
    },
    first={
        "depthwise.conv": "conv_dw", "depthwise.norm": "bn1", **_TIMM_SE,
        "project.conv": "conv_pw", "project.norm": "bn2",
    },
    rest={
        "expand.conv": "conv_pw", "expand.norm": "bn1", "depthwise.conv": "conv_dw",
        "depthwise.norm": "bn2", **_TIMM_SE, "project.conv": "conv_pwl", "project.norm": "bn3",
    },
    prefix=lambda stage, repeat, _: f"blocks.{stage - 2}.{repeat - 1}.",
    classifiers=("classifier", "classifier.1"),
)  # fmt: skip

_LUKEMELAS_PARTS = {
    "expand.conv": "_expand_conv", "expand.norm": "_bn0", "depthwise.conv": "_depthwise_conv",
    "depthwise.norm": "_bn1", "se.reduce": "_se_reduce", "se.expand": "_se_expand",
    "project.conv": "_project_conv", "project.norm": "_bn2",
}  # fmt: skip
LUKEMELAS = Layout(
    name="lukemelas",
    title="efficientnet_pytorch or efficientnet_lite_pytorch",
    mark="_conv_stem.weight",
    outer={
        "stem.conv": "_conv_stem", "stem.norm": "_bn0",
        "head.conv": "_conv_head", "head.norm": "_bn1",
    },
    first=_LUKEMELAS_PARTS,
    rest=_LUKEMELAS_PARTS,
    prefix=lambda _stage, _repeat, flat: f"_blocks.{flat}.",
    classifiers=("_fc", "_fc.1"),
)  # fmt: skip

_KERAS_PARTS = {
    "expand.conv": "expand_conv", "expand.norm": "expand_bn", "depthwise.conv": "dwconv",
    "depthwise.norm": "bn", "se.reduce": "se_reduce", "se.expand": "se_expand",
    "project.conv": "project_conv", "project.norm": "project_bn",
}  # fmt: skip
_KERNEL = {"weight": "kernel"}
KERAS = Layout(
    name="keras",
    title="Keras",
    mark="stem_conv/kernel",
    outer={
        "stem.conv": "stem_conv", "stem.norm": "stem_bn",
        "head.conv": "top_conv", "head.norm": "top_bn",
    },
    first=_KERAS_PARTS,
    rest=_KERAS_PARTS,
    prefix=lambda stage, repeat, _: f"block{stage - 1}{chr(96 + repeat)}_",
    classifiers=("predictions", "probs"),
    joint="/",
    variables={
        "conv": _KERNEL, "depthwise": _KERNEL, "gate": _KERNEL, "linear": _KERNEL,
        "norm": {
            "weight": "gamma", "bias": "beta",
            "running_mean": "moving_mean", "running_var": "moving_variance",
        },
    },
    axes={"conv": (3, 2, 0, 1), "gate": (3, 2, 0, 1), "depthwise": (2, 3, 0, 1), "linear": (1, 0)},
)  # fmt: skip

LAYOUTS = {layout.name: layout for layout in (OURS, TORCHVISION, TIMM, LUKEMELAS, KERAS)}


def modules(spec: Spec) -> Iterator[Module]:
    """Every layer of a network that has weights, in the order of computation."""
    config = spec.config
    yield Module("stem.conv", "stem.conv", "conv", (spec.stem_channels, config.in_channels, 3, 3))
    yield Module("stem.norm", "stem.norm", "norm", (spec.stem_channels,))
    for flat, block in enumerate(spec.blocks):
        yield from _block_modules(block, flat)
    last = spec.blocks[-1].out_channels
    yield Module("head.conv", "head.conv", "conv", (spec.head_channels, last, 1, 1))
    yield Module("head.norm", "head.norm", "norm", (spec.head_channels,))
    yield Module("classifier", "classifier", "linear", (spec.num_classes, spec.head_channels))


def _block_modules(block: Block, flat: int) -> Iterator[Module]:
    wide, k, reduced = block.expanded_channels, block.kernel, block.se_channels

    def at(part: str, kind: str, weight: Shape) -> Module:
        return Module(f"{OURS.prefix(block.stage, block.repeat, flat)}{part}", part, kind, weight,
                      block, flat)  # fmt: skip

    if block.expand_ratio != 1:
        yield at("expand.conv", "conv", (wide, block.in_channels, 1, 1))
        yield at("expand.norm", "norm", (wide,))
    yield at("depthwise.conv", "depthwise", (wide, 1, k, k))
    yield at("depthwise.norm", "norm", (wide,))
    if reduced is not None:
        yield at("se.reduce", "gate", (reduced, wide, 1, 1))
        yield at("se.expand", "gate", (wide, reduced, 1, 1))
    yield at("project.conv", "conv", (block.out_channels, wide, 1, 1))
    yield at("project.norm", "norm", (block.out_channels,))


def shapes_of(spec: Spec) -> dict[str, Shape]:
    """Our name of every float tensor of a network, with its shape (conv OIHW, linear out x in)."""
    return {
        f"{module.ours}.{value}": module.weight if value == "weight" else module.weight[:1]
        for module in modules(spec)
        for value in VALUES[module.kind]
    }


def rename(layout: Layout, spec: Spec, classifier: str | None = None) -> dict[str, Their]:
    """Our name of every float tensor to theirs; a bijection.

    Args:
        classifier: the classifier's name in this file, where it is not the layout's usual one.
    """
    return {
        f"{module.ours}.{value}": layout.their(module, value, classifier)
        for module in modules(spec)
        for value in VALUES[module.kind]
    }


def layout_of(names: Mapping[str, Shape]) -> Layout | None:
    """The layout whose mark is among `names`; None when there is none or more than one."""
    found = [layout for layout in LAYOUTS.values() if layout.mark in names]
    return found[0] if len(found) == 1 else None
