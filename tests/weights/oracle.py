"""A second reading of the published names, written apart from this project's own tables.

Structure: `tests/data/blocks.json`, on which six libraries agree. Names: as they stand in the state
dicts of torchvision 0.29, timm 1.0.31 and efficientnet_pytorch 0.7.1, and in Keras 3.15's files.
`forward` runs a network straight from such names, with plain functions of torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from tests.conftest import reference_blocks

TORCH = ("torchvision", "timm", "lukemelas")

ENDS = {  # stem conv, stem norm, head conv, head norm, classifier
    "torchvision": ("features.0.0", "features.0.1", "features.8.0", "features.8.1", "classifier.1"),
    "timm": ("conv_stem", "bn1", "conv_head", "bn2", "classifier"),
    "lukemelas": ("_conv_stem", "_bn0", "_conv_head", "_bn1", "_fc"),
    "keras": ("stem_conv", "stem_bn", "top_conv", "top_bn", "predictions"),
}
OUR_ENDS = ("stem.conv", "stem.norm", "head.conv", "head.norm", "classifier")
OUR_PARTS = {
    "exp": "expand.conv", "bn_exp": "expand.norm", "dw": "depthwise.conv", "bn_dw": "depthwise.norm",
    "se_r": "se.reduce", "se_e": "se.expand", "pr": "project.conv", "bn_pr": "project.norm",
}  # fmt: skip


def block_names(library: str, block: Mapping[str, Any]) -> dict[str, str]:
    """The layers of a block: exp, bn_exp, dw, bn_dw, se_r, se_e, pr, bn_pr, as far as it has them."""
    s, b, i = block["stage"], block["block_in_stage"] - 1, block["index"]
    wide = block["expand_ratio"] != 1
    if library == "torchvision":
        n = 1 if wide else 0
        inner = {"dw": f"{n}.0", "bn_dw": f"{n}.1", "se_r": f"{n + 1}.fc1", "se_e": f"{n + 1}.fc2",
                 "pr": f"{n + 2}.0", "bn_pr": f"{n + 2}.1", "exp": "0.0", "bn_exp": "0.1"}  # fmt: skip
        prefix = f"features.{s}.{b}.block."
    elif library == "timm":
        inner = {"dw": "conv_dw", "se_r": "se.conv_reduce", "se_e": "se.conv_expand"}
        inner |= (
            {"exp": "conv_pw", "bn_exp": "bn1", "bn_dw": "bn2", "pr": "conv_pwl", "bn_pr": "bn3"}
            if wide
            else {"bn_dw": "bn1", "pr": "conv_pw", "bn_pr": "bn2"}
        )
        prefix = f"blocks.{s - 1}.{b}."
    elif library == "lukemelas":
        inner = {"exp": "_expand_conv", "bn_exp": "_bn0", "dw": "_depthwise_conv", "bn_dw": "_bn1",
                 "se_r": "_se_reduce", "se_e": "_se_expand", "pr": "_project_conv",
                 "bn_pr": "_bn2"}  # fmt: skip
        prefix = f"_blocks.{i}."
    else:
        inner = {"exp": "expand_conv", "bn_exp": "expand_bn", "dw": "dwconv", "bn_dw": "bn",
                 "se_r": "se_reduce", "se_e": "se_expand", "pr": "project_conv",
                 "bn_pr": "project_bn"}  # fmt: skip
        prefix = f"block{s}{'abcdefghijklmnopqrstuvwxyz'[b]}_"
    there = {"dw", "bn_dw", "pr", "bn_pr"}
    there |= {"exp", "bn_exp"} if wide else set()
    there |= {"se_r", "se_e"} if block["se_ch"] else set()
    return {part: prefix + name for part, name in inner.items() if part in there}


class Row(NamedTuple):
    """One tensor: our name and shape, their name and shape."""

    ours: str
    shape: tuple[int, ...]
    theirs: str
    their_shape: tuple[int, ...]


def rows(library: str, variant: str, classes: int = 1000) -> Iterator[Row]:
    """Every float tensor of a network."""
    net = reference_blocks()[variant]
    stem, head = net["stem"], net["head"]
    shapes = [
        (stem["out_ch"], stem["in_ch"], 3, 3), (stem["out_ch"],), (head["out_ch"], head["in_ch"], 1, 1),
        (head["out_ch"],), (classes, head["out_ch"]),
    ]  # fmt: skip
    for ours, theirs, shape in zip(OUR_ENDS, ENDS[library], shapes, strict=True):
        yield from _values(library, ours, theirs, shape, gate=False)
    for block in net["blocks"]:
        wide, k, se = block["expanded_ch"], block["kernel"], block["se_ch"]
        kinds = {
            "exp": (wide, block["in_ch"], 1, 1), "bn_exp": (wide,), "dw": (wide, 1, k, k),
            "bn_dw": (wide,), "se_r": (se, wide, 1, 1), "se_e": (wide, se, 1, 1),
            "pr": (block["out_ch"], wide, 1, 1), "bn_pr": (block["out_ch"],),
        }  # fmt: skip
        where = f"blocks.{block['stage'] + 1}_{block['block_in_stage']}."
        for part, theirs in block_names(library, block).items():
            yield from _values(
                library, where + OUR_PARTS[part], theirs, kinds[part], gate=part in ("se_r", "se_e")
            )


def _values(
    library: str, ours: str, theirs: str, shape: tuple[int, ...], *, gate: bool
) -> Iterator[Row]:
    keras = library == "keras"
    if len(shape) == 1:
        names = ("weight", "bias", "running_mean", "running_var")
        keras_names = ("gamma", "beta", "moving_mean", "moving_variance")
        for mine, name in zip(names, keras_names if keras else names, strict=True):
            yield Row(f"{ours}.{mine}", shape, f"{theirs}{'/' if keras else '.'}{name}", shape)
        return
    their_shape = shape
    if keras and len(shape) == 2:
        their_shape = shape[::-1]  # dense: [in, out]
    elif keras and shape[1] == 1 and ours.endswith("depthwise.conv"):
        their_shape = (shape[2], shape[3], shape[0], 1)
    elif keras:
        their_shape = (shape[2], shape[3], shape[1], shape[0])  # HWIO
    yield Row(f"{ours}.weight", shape, f"{theirs}{'/kernel' if keras else '.weight'}", their_shape)
    if gate or len(shape) == 2:
        yield Row(f"{ours}.bias", shape[:1], f"{theirs}{'/bias' if keras else '.bias'}", shape[:1])


def renamed(state: Mapping[str, Tensor], variant: str, source: str, to: str) -> dict[str, Tensor]:
    """A state dict of one torch library under the names of another, with the counters of its norms."""
    theirs = {row.ours: row.theirs for row in rows(source, variant)}
    found = {
        row.theirs: state[theirs[row.ours]].clone(memory_format=torch.contiguous_format)
        for row in rows(to, variant)
    }
    counters = [name.replace("running_var", "num_batches_tracked") for name in found
                if name.endswith("running_var")]  # fmt: skip
    return found | {name: torch.tensor(7) for name in counters}


def forward(
    state: Mapping[str, Tensor], library: str, variant: str, x: Tensor, *, padding: str, eps: float
) -> Tensor:
    """Logits of (N, 3, S, S), computed from the names of a torch library."""
    net, (stem, stem_bn, head, head_bn, classifier) = reference_blocks()[variant], ENDS[library]
    lite = not net["blocks"][0]["se_ch"]

    def act(t: Tensor) -> Tensor:
        return F.relu6(t) if lite else F.silu(t)

    def norm(t: Tensor, name: str) -> Tensor:
        mean, var, weight, bias = (
            state[f"{name}.{value}"] for value in ("running_mean", "running_var", "weight", "bias")
        )
        return F.batch_norm(t, mean, var, weight, bias, False, 0.0, eps)

    def conv(t: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        k = weight.shape[-1]
        if padding == "symmetric":
            return F.conv2d(t, weight, None, stride, k // 2, 1, groups)
        size = t.shape[-1]
        total = max(0, (-(-size // stride) - 1) * stride + k - size)
        before = total // 2
        t = F.pad(t, (before, total - before, before, total - before))
        return F.conv2d(t, weight, None, stride, 0, 1, groups)

    x = act(norm(conv(x, stem, 2), stem_bn))
    for block in net["blocks"]:
        names, before = block_names(library, block), x
        if "exp" in names:
            x = act(norm(conv(x, names["exp"]), names["bn_exp"]))
        x = act(norm(conv(x, names["dw"], block["stride"], x.shape[1]), names["bn_dw"]))
        if "se_r" in names:
            r, e = (f"{names[part]}" for part in ("se_r", "se_e"))
            gate = x.mean((2, 3), keepdim=True)
            gate = F.silu(F.conv2d(gate, state[f"{r}.weight"], state[f"{r}.bias"]))
            gate = F.conv2d(gate, state[f"{e}.weight"], state[f"{e}.bias"])
            x = x * torch.sigmoid(gate)
        x = norm(conv(x, names["pr"]), names["bn_pr"])
        x = x + before if block["residual"] else x
    x = act(norm(conv(x, head), head_bn)).mean((2, 3))
    return F.linear(x, state[f"{classifier}.weight"], state[f"{classifier}.bias"])
