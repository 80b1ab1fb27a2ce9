"""Names of Keras variables, however the file spells them, as `layer/variable`.

| file | a depthwise kernel |
|---|---|
| TF-Keras 2 `.h5` | `block1a_dwconv/block1a_dwconv/depthwise_kernel:0` |
| Keras 3 `.h5` | `model_weights/block1a_dwconv/block1a_dwconv/kernel` |
| Keras 3 `.weights.h5`, `.keras` | `layers/depthwise_conv2d/vars/0`, with the layer's name as an attribute |
| the same from an early Keras 3 | `layers/depthwise_conv2d/vars/0`, without any name |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from effnet.architecture.spec import Spec
from effnet.errors import CheckpointError
from effnet.weights.candidates import Outline, candidates
from effnet.weights.layouts import KERAS, Shape, modules, rename
from effnet.weights.recognise import Match, compare

VARIABLES = {
    "kernel": "kernel",
    "depthwise_kernel": "kernel",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
    "mean": "mean",
    "variance": "variance",
    "count": "count",
}
"""Every variable of these networks, by the names that Keras has given it."""

NUMBERED = {
    "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "conv2d": ("kernel", "bias"),
    "depthwise_conv2d": ("kernel",),
    "dense": ("kernel", "bias"),
    "normalization": ("mean", "variance", "count"),
}
"""What `vars/0`, `vars/1` .. are, by the class of the layer."""

INPUT_LAYERS = ("normalization", "rescaling")
"""Layers that scale the input; what they hold belongs to the preprocessing."""


def canonical(path: str) -> str:
    """`layer/variable` of a dataset's path or a tensor's name, or an empty string for anything else.

    >>> canonical("model_weights/block1a_dwconv/block1a_dwconv/depthwise_kernel:0")
    'block1a_dwconv/kernel'
    """
    parts = path.removesuffix(":0").replace(".", "/").split("/")
    if len(parts) < 2 or parts[-1] not in VARIABLES:
        return ""
    return f"{parts[-2]}/{VARIABLES[parts[-1]]}"


def canonical_names(paths: Sequence[str]) -> dict[str, str]:
    """Path by canonical name; paths that are no variable of a layer are left out.

    Raises:
        CheckpointError: when two paths mean the same variable.
    """
    found: dict[str, str] = {}
    for path in paths:
        name = canonical(path)
        if not name:
            continue
        if name in found:
            raise CheckpointError(f"This Keras file has the variable {name:.80} twice.")
        found[name] = path
    return found


def is_input_layer(name: str) -> bool:
    """Whether `layer/variable` belongs to the scaling of the input (`normalization_3/mean`)."""
    layer = name.split("/", maxsplit=1)[0]
    return any(layer == kind or layer.startswith(f"{kind}_") for kind in INPUT_LAYERS)


def split_class(group: str) -> tuple[str, int]:
    """Class and number of a layer from its group's name: `conv2d_12` is (`conv2d`, 12).

    >>> split_class("depthwise_conv2d"), split_class("batch_normalization_7")
    (('depthwise_conv2d', 0), ('batch_normalization', 7))
    """
    kind, _, number = group.rpartition("_")
    if kind in NUMBERED and number.isdecimal() and len(number) < 6:
        return kind, int(number)
    return group, 0


def names_in_order(spec: Spec) -> dict[str, list[str]]:
    """The layers of a network by class, in the order in which Keras numbers them.

    Keras numbers the layers of each class in the order of computation, and an EfficientNet's
    layers with weights form one chain, so the order of computation is the order of the numbers.
    """
    kinds = {
        "conv": "conv2d", "gate": "conv2d", "depthwise": "depthwise_conv2d",
        "norm": "batch_normalization", "linear": "dense",
    }  # fmt: skip
    found: dict[str, list[str]] = {kind: [] for kind in kinds.values()}
    for module in modules(spec):
        found[kinds[module.kind]].append(KERAS.module(module))
    return found


def names_by_number(shapes: Mapping[str, Shape]) -> dict[str, str]:
    """Path by canonical name for a file that has lost the names of its layers.

    Args:
        shapes: shape of every dataset, by a path that ends in `GROUP/vars/NUMBER`.

    Raises:
        CheckpointError: when classes, numbers and shapes of the layers are those of no network.
    """
    layers: dict[tuple[str, int], dict[str, str]] = {}
    for path in shapes:
        group, variables, index = path.split("/")[-3:] if path.count("/") >= 2 else ("", "", "")
        kind, number = split_class(group)
        if variables == "vars" and kind in NUMBERED and index in ("0", "1", "2", "3"):
            names = NUMBERED[kind]
            if int(index) < len(names):
                layers.setdefault((kind, number), {})[names[int(index)]] = path
    found = _outline(layers, shapes)
    for spec in candidates(found, KERAS) if found is not None else ():
        paths = {
            f"{layer}/{variable}": path
            for kind, names in names_in_order(spec).items()
            for number, layer in enumerate(names)
            for variable, path in layers.get((kind, number), {}).items()
        }
        match = Match(KERAS, spec, rename(KERAS, spec))
        if compare({name: shapes[path] for name, path in paths.items()}, match).fits:
            extra = layers.get(("normalization", 0), {})
            return paths | {f"normalization/{name}": path for name, path in extra.items()}
    raise CheckpointError(
        "This Keras file has lost the names of its layers, and their order and shapes are those of "
        "no EfficientNet with its classifier; save the model again as .keras or .h5."
    )


def _outline(
    layers: Mapping[tuple[str, int], Mapping[str, str]], shapes: Mapping[str, Shape]
) -> Outline | None:
    def kernels(kind: str) -> list[Shape]:
        numbers = sorted(number for k, number in layers if k == kind)
        return [shapes.get(layers[kind, n].get("kernel", ""), ()) for n in numbers]

    convolutions, dense = kernels("conv2d"), kernels("dense")
    if not convolutions or len(dense) != 1 or len(dense[0]) != 2:
        return None
    stem, head = convolutions[0], convolutions[-1]
    if (len(stem), len(head)) != (4, 4):
        return None
    gates = any("bias" in layers[key] for key in layers if key[0] == "conv2d")
    return Outline(
        stem=stem[3], in_channels=stem[2], head=head[3], head_in=head[2],
        blocks=len(kernels("depthwise_conv2d")), se=gates, classes=dense[0][1],
        tensors=sum(len(v) for (kind, _), v in layers.items() if kind != "normalization"),
    )  # fmt: skip
