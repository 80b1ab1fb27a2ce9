"""A heat map over a picture, in a colour map whose lightness grows evenly."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

Array = np.ndarray

COLOUR_MAPS = ("Inferno", "Viridis", "Cividis", "Magma", "Plasma")
"""Perceptually uniform; Cividis is made for colour-blind eyes."""


@lru_cache(maxsize=len(COLOUR_MAPS))
def _table(name: str) -> Array:
    """256 colours, uint8 (256, 3), from plotly's scale of that name."""
    from plotly.colors import sample_colorscale, unlabel_rgb

    colours = sample_colorscale(name, [i / 255 for i in range(256)])
    table = np.array([unlabel_rgb(c) for c in colours]).round().astype(np.uint8)
    table.flags.writeable = False
    return table


def normalise(heat: Array) -> Array:
    """Heat divided by its maximum: 0..1; all zeros stay zeros."""
    top = float(heat.max(initial=0.0))
    return heat / top if top > 0 else np.zeros_like(heat)


def colour(heat: Array, name: str = "Inferno") -> Array:
    """0..1 (H, W) -> uint8 (H, W, 3)."""
    index = (np.clip(heat, 0, 1) * 255).round().astype(np.uint8)
    return np.asarray(_table(name)[index])


def overlay(pixels: Array, heat: Array, opacity: float = 0.5, name: str = "Inferno") -> Array:
    """Heat over a picture of the same size: uint8 (H, W, 3).

    Args:
        pixels: uint8 (H, W, 3). heat: (H, W), at least 0; scaled by its maximum.
        opacity: of the heat, 0..1, everywhere the same, so that the colour bar holds.
    """
    front = colour(normalise(heat), name).astype(np.float32)
    mixed = (1 - opacity) * pixels.astype(np.float32) + opacity * front
    return np.asarray(mixed.round().astype(np.uint8))
