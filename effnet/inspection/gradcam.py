"""Grad-CAM (Selvaraju et al. 2017) from any block, through captum's LayerGradCam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from effnet.architecture.scaling import rebuild
from effnet.architecture.spec import HEAD, Spec
from effnet.errors import InspectionError
from effnet.inspection.trace import Array, check_input, to_array
from effnet.network.blocks import Tap
from effnet.network.model import EfficientNet


@dataclass(frozen=True)
class Cam:
    """One class-activation map for each picture of a batch.

    Attributes:
        grid: (N, h, w) float32, float64 when the model is, at least 0: relu(sum over channels of
            weight * activation), the weight being the mean gradient of the class logit over the
            map. Nothing is normalised.
        map: (N, H, W): the grid stretched to the input by bilinear interpolation (corners not
            aligned), as every library does it.
        placed: (N, H, W): the grid with each cell's centre where its receptive field is centred.
            The stretch ignores padding: on a symmetric network it draws heat about half a cell too
            far right and down, on a SAME network too far left and up.
        target: the class. block: where it was taken.
    """

    grid: Array
    map: Array
    placed: Array
    target: int
    block: str


def _layer(model: EfficientNet, block: str) -> nn.Module:
    return model.head if block == HEAD else model.block(block)


def place(grid: Tensor, spec: Spec, block: str, size: tuple[int, int]) -> Tensor:
    """(N, h, w) -> (N, H, W): cell i is centred on pixel `centre + i * total_stride`.

    Between centres the values are interpolated linearly, beyond the outermost they stay.
    """
    axes = []
    for length, cells in zip(size, grid.shape[-2:], strict=True):
        at = spec if length == spec.resolution else rebuild(spec, resolution=length)
        op = at.operations_of(block)[2 if block == HEAD else -1]
        pixels = torch.arange(length, dtype=grid.dtype, device=grid.device)
        cell = ((pixels - op.centre) / op.total_stride).clamp(0, cells - 1)
        axes.append(cell / max(cells - 1, 1) * 2 - 1)
    ys, xs = torch.meshgrid(*axes, indexing="ij")
    where = torch.stack((xs, ys), -1).expand(len(grid), -1, -1, -1)
    return F.grid_sample(grid[:, None], where, mode="bilinear", align_corners=True)[:, 0]


def grad_cam(
    model: EfficientNet, x: Tensor, target: int, block: str = HEAD, *, edit: Tap | None = None
) -> Cam:
    """Where the class `target` finds its evidence, seen from `block`.

    captum needs hooks, so it works on a private view of the model: other threads that use the
    model neither see nor disturb it.

    Args:
        x: (N, channels, H, W), normalised as the weights want it.
        target: class index.
        block: `8.1`, any other block, or `head` (the last convolution, the usual choice).
        edit: gate edits under which the map is taken (see `edits.py`).

    Raises:
        InspectionError: for a class that this network does not have.
        SpecError: for a block that it does not have.
    """
    classes = model.spec.num_classes
    if (
        isinstance(target, bool)
        or not isinstance(target, (int, np.integer))
        or not 0 <= target < classes
    ):
        raise InspectionError(
            f"This network has the classes 0 to {classes - 1}, not {target!r:.40}."
        )
    x = check_input(model, x)
    view = model.private_view().eval()
    layer = _layer(view, block)
    from captum.attr import LayerGradCam

    with torch.enable_grad():
        cam = LayerGradCam(lambda pixels: view(pixels, edit), layer)
        raw = cam.attribute(x, target=int(target), relu_attributions=True)
    grid = raw[:, 0].detach()
    grid = grid if grid.dtype == torch.float64 else grid.float()
    size = (int(x.shape[2]), int(x.shape[3]))
    stretched = F.interpolate(grid[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    placed = place(grid, model.spec, block, size)
    return Cam(to_array(grid), to_array(stretched), to_array(placed), int(target), block)
