"""Words and pictures around a heat map."""

from __future__ import annotations

import io

import numpy as np

from app.text import escaped
from effnet.architecture.scaling import build
from effnet.architecture.spec import Config
from effnet.drawing.numbers import percent
from effnet.drawing.overlay import colour, overlay
from effnet.inspection.faithfulness import Deletion
from effnet.inspection.gradcam import Cam

WIDTH = (
    640  # px that a small picture is enlarged to, in whole steps, so that its pixels stay visible
)


def enlarge(pixels: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> the same picture at about 640 px, each pixel a square."""
    times = max(1, WIDTH // max(pixels.shape[:2]))
    return np.kron(pixels, np.ones((times, times, 1), np.uint8)) if times > 1 else pixels


def scale_strip(name: str) -> np.ndarray:
    """A colour bar: uint8 (14, 512, 3), 0 on the left, the maximum on the right."""
    return colour(np.tile(np.linspace(0, 1, 512), (14, 1)), name)


def arrays(cam: Cam) -> bytes:
    """The map as a NumPy .npz: grid, map (stretched) and placed."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, grid=cam.grid[0], map=cam.map[0], placed=cam.placed[0])
    return out.getvalue()


def layer_note(config: Config, where: str) -> str:
    """What looking from this layer means, with its numbers."""
    spec = build(config)
    op = spec.operations_of(where)[2 if where == "head" else -1]
    cells, field = op.out_shape[1], op.receptive_field
    start = f"{cells} × {cells} cells, each of which has seen {field} × {field} px around it"
    if field >= spec.resolution:
        return (
            f"{start}: more than the whole picture. Such a layer knows well what it sees and only roughly "
            "where; this is the layer to ask why a class was chosen."
        )
    return (
        f"{start}. A layer this early knows edges, textures and parts, not classes: its map shows "
        "where such parts lie that later layers use for the class, and it can be faint or scattered."
    )


def verdict(result: Deletion, name: str) -> str:
    """The outcome of the check in a sentence or two, saying no more than it measured."""
    at = result.shares.index(0.2)
    start, hot, chance = result.hottest[0], result.hottest[at], result.random[:, at].mean()
    facts = (
        f"Hiding the hottest fifth takes “{escaped(name)}” from {percent(start)} to "
        f"**{percent(hot)}**; hiding a random fifth leaves {percent(chance)} on average. Over the "
        f"whole curve the map beats {result.beats} of {len(result.random)} random orders."
    )
    share = result.beats / len(result.random)
    if share >= 0.9:
        return facts + " The map points at something the network uses for this class."
    if share >= 0.5:
        return facts + " That is only a little better than chance: read this map with care."
    return facts + " That is no better than chance: **do not trust this map** for this picture."


def map_image(values: np.ndarray, name: str = "Viridis") -> np.ndarray:
    """A feature map scaled to 0..1, (h, w), as a picture whose cells stay visible."""
    return enlarge(colour(values, name))


def map_pair(before: np.ndarray, after: np.ndarray, name: str = "Viridis") -> np.ndarray:
    """Two maps (h, w) of 0..1 side by side with a transparent gap: uint8 (H, W, 4)."""
    left, right = map_image(before, name), map_image(after, name)
    gap = np.zeros((len(left), max(2, left.shape[1] // 24), 4), np.uint8)
    solid = [np.dstack([m, np.full(m.shape[:2], 255, np.uint8)]) for m in (left, right)]
    return np.concatenate([solid[0], gap, solid[1]], axis=1)


def cells_over(pixels: np.ndarray, cam: Cam, config: Config) -> np.ndarray:
    """The map's cells as they are over the picture, each where its receptive field is centred.

    For maps of a few cells, where a smooth stretch would show more than was computed.

    Args:
        pixels: uint8 (S, S, 3), what the network saw.
    """
    op = build(config).operations_of(cam.block)[2 if cam.block == "head" else -1]
    grid = cam.grid[0]
    at = np.rint((np.arange(len(pixels)) - op.centre) / op.total_stride).astype(int)
    rows, columns = (np.clip(at, 0, count - 1) for count in grid.shape)
    heat = grid[rows][:, columns]
    return enlarge(overlay(pixels, heat))
