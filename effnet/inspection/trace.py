"""One forward pass, and everything that was asked about it, as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from effnet.errors import InspectionError
from effnet.inspection.devices import autocast
from effnet.network.blocks import Tap
from effnet.network.model import EfficientNet

Array = np.ndarray


@dataclass(frozen=True)
class Trace:
    """What one call of `trace` saw; nothing in it is shared with the model or another call.

    Attributes:
        logits: (N, classes) float32, as all arrays here; float64 when the model is.
        gates: block id -> (N, expanded channels), each in (0, 1); empty for a network without SE.
        features: point -> (N, C, h, w), or (N, C) where the map is 1 x 1.
    """

    logits: Array
    gates: Mapping[str, Array]
    features: Mapping[str, Array] = field(default_factory=dict)

    @property
    def probabilities(self) -> Array:
        """Softmax of the logits, (N, classes)."""
        return softmax(self.logits)

    def top(self, k: int = 5, row: int = 0) -> list[tuple[int, float]]:
        """The k likeliest classes of one picture: (index, probability), likeliest first."""
        p = self.probabilities[row]
        order = np.argsort(-p, kind="stable")[:k]
        return [(int(i), float(p[i])) for i in order]


def softmax(logits: Array) -> Array:
    """Probabilities along the last axis."""
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def to_array(t: Tensor) -> Array:
    """A copy on the CPU, float64 of a float64 tensor, else float32; trailing 1 x 1 axes dropped."""
    if t.ndim == 4 and t.shape[2] == t.shape[3] == 1:
        t = t[:, :, 0, 0]
    dtype = torch.float64 if t.dtype == torch.float64 else torch.float32
    return np.array(t.detach().to("cpu", dtype).numpy(), order="C", copy=True)


def to_arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    """Copies of what a tap saw, made when the pass is over: a copy waits for the device."""
    return {name: to_array(t) for name, t in tensors.items()}


def points(model: EfficientNet) -> tuple[str, ...]:
    """Every point whose tensor `trace` can give, in the order of computation."""
    names = ["stem"]
    for b in model.spec.blocks:
        if b.expand_ratio != 1:
            names.append(f"{b.id}.expand")
        names.append(f"{b.id}.depthwise")
        if b.se_channels:
            names += [f"{b.id}.{p}" for p in ("squeeze", "reduce", "gate", "scaled")]
        names += [f"{b.id}.project", b.id]
    return (*names, "head", "pool")


def check_input(model: EfficientNet, x: Tensor) -> Tensor:
    """`x` on the model's device and in its type.

    Raises:
        InspectionError: unless it is a finite float batch (N, channels, H, W).
    """
    channels = model.spec.config.in_channels
    if not isinstance(x, Tensor) or x.ndim != 4 or x.shape[1] != channels or 0 in x.shape:
        raise InspectionError(
            f"A network is run on a tensor of shape (N, {channels}, H, W); "
            "make one with effnet.inspection.images.prepare."
        )
    weight = model.classifier.weight
    x = x.to(weight.device, weight.dtype)
    if not all(map(math.isfinite, torch.stack(torch.aminmax(x)).tolist())):  # a NaN spreads to both
        raise InspectionError("The picture's values must be finite numbers.")
    return x


def trace(
    model: EfficientNet,
    x: Tensor,
    features: Iterable[str] = (),
    *,
    edit: Tap | None = None,
) -> Trace:
    """Run `model` once on `x` and keep the logits, every gate, and the feature maps asked for.

    No hook is used: the model may be shared by any number of threads.

    Args:
        x: (N, channels, H, W), normalised as the weights want it.
        features: points such as `stem`, `4.2`, `4.2.depthwise`, `4.2.scaled`, `head`; see `points`.
        edit: applied to every tensor before it is kept (see `edits.py`).

    Raises:
        InspectionError: for an input or a point that this network does not have.
    """
    wanted = set(features)
    if unknown := wanted - set(points(model)):
        raise InspectionError(
            f"This network has no point {sorted(unknown)[0]!r:.60}; "
            "ask for one like '4.2', '4.2.depthwise' or 'head'."
        )
    x = check_input(model, x)
    gates: dict[str, Tensor] = {}
    kept: dict[str, Tensor] = {}

    def tap(point: str, t: Tensor) -> Tensor:
        if edit is not None:
            t = edit(point, t)
        if point.endswith(".gate"):
            gates[point.removesuffix(".gate")] = t
        if point in wanted:
            kept[point] = t
        return t

    with torch.inference_mode(), autocast(x.device):
        logits = model(x, tap)
    return Trace(to_array(logits), to_arrays(gates), to_arrays(kept))
