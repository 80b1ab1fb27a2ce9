"""Does a heat map point at what the network uses? Hide what it calls hot, and look.

The test is the deletion game of Petsiuk, Das and Saenko (2018, RISE): pixels are hidden in some
order, and the fall of the class probability is drawn. Hidden pixels show a blurred picture, so
that no black edges are drawn. If the map's order makes the probability fall faster than random
patches of the same size do, the map points at something the network uses. If not, it is a picture,
not an explanation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from effnet.errors import InspectionError
from effnet.inspection.devices import autocast
from effnet.inspection.trace import Array, check_input
from effnet.network.model import EfficientNet

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)


@dataclass(frozen=True)
class Deletion:
    """Probability of the class while more and more of the picture is hidden.

    Attributes:
        shares: hidden share of the picture, 0..1.
        hottest: (len,) hiding the hottest pixels first.
        coldest: (len,) the coldest first.
        random: (orders, len) patches of the grid's size in random order.
        area, random_area: area under the curves (mean of `random`); lower is a faster fall.
    """

    shares: tuple[float, ...]
    hottest: Array
    coldest: Array
    random: Array

    @property
    def area(self) -> float:
        return float(np.trapezoid(self.hottest, self.shares))

    @property
    def random_areas(self) -> Array:
        return np.asarray(np.trapezoid(self.random, self.shares, axis=1))

    @property
    def beats(self) -> int:
        """How many of the random orders the map's order beats."""
        return int((self.area < self.random_areas).sum())


def blurred(x: Tensor) -> Tensor:
    """(N, C, H, W) -> same: a strong blur, the stand-in for hidden pixels."""
    size = max(3, int(min(x.shape[-2:]) / 6) | 1)
    for _ in range(3):
        x = F.avg_pool2d(
            F.pad(x, (size // 2,) * 4, mode="replicate"), size, stride=1, count_include_pad=False
        )
    return x


def deletion(
    model: EfficientNet, x: Tensor, heat: Array, target: int, *, orders: int = 8, seed: int = 0,
    progress: Callable[[float], None] = lambda done: None, batch: int = 10,
) -> Deletion:  # fmt: skip
    """Play the deletion game for one picture.

    Args:
        x: (1, channels, H, W). heat: (H, W), e.g. `Cam.placed[0]`. orders: random orders.
        progress: called with 0..1.

    Raises:
        InspectionError: when the map is not of the picture's size or has no heat.
    """
    x = check_input(model, x)
    if x.shape[0] != 1 or heat.shape != tuple(x.shape[-2:]):
        raise InspectionError("The heat map and the picture must have the same height and width.")
    if not float(heat.max()) > float(heat.min()):
        raise InspectionError(
            "This heat map is flat: the block holds no positive evidence for the class, so there is "
            "nothing to check. Choose another block or class."
        )
    generator = np.random.default_rng(seed)
    ranks = [_rank(heat), _rank(-heat)]
    ranks += [_rank(_patches(heat.shape, generator)) for _ in range(orders)]
    hidden = blurred(x)
    rows = []
    with torch.inference_mode(), autocast(x.device):
        for done, rank in enumerate(ranks, start=1):
            keep = np.stack([rank >= share * rank.size for share in SHARES])
            masks = torch.from_numpy(keep[:, None]).to(x.device)
            values = []
            for start in range(0, len(SHARES), batch):
                mask = masks[start : start + batch]
                p = model(torch.where(mask, x, hidden)).float().softmax(1)[:, target]
                values.append(p.cpu().numpy())
            rows.append(np.concatenate(values))
            progress(done / len(ranks))
    return Deletion(SHARES, rows[0], rows[1], np.stack(rows[2:]))


def _rank(heat: Array) -> Array:
    """Place of each pixel in the order of falling heat, 0 first; ties by position."""
    order = np.argsort(-heat, axis=None, kind="stable")
    rank = np.empty(heat.size, dtype=np.int64)
    rank[order] = np.arange(heat.size)
    return rank.reshape(heat.shape)


def _patches(shape: tuple[int, ...], generator: np.random.Generator, cells: int = 7) -> Array:
    """Random heat in smooth patches, as coarse as a usual Grad-CAM grid."""
    grid = torch.from_numpy(generator.random((1, 1, cells, cells)))
    return F.interpolate(grid, size=shape, mode="bilinear", align_corners=False)[0, 0].numpy()
