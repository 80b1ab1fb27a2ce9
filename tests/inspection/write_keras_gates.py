"""Run as a program: a B0 of Keras, what it answers to random pictures, and every gate on the way.

KERAS_BACKEND=torch PYTHONPATH=. python tests/inspection/write_keras_gates.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import torch

from tests.weights.write_keras import build, condition, pictures

SIZE = 96


def main(folder: Path) -> None:
    model = build("b0", SIZE)
    condition(model, SIZE, 5)
    layers = [layer for layer in model.layers if layer.name.endswith("_se_expand")]
    probe = keras.Model(model.input, [layer.output for layer in layers] + [model.output])
    x = pictures(SIZE, 2, 7)
    with torch.no_grad():
        *gates, logits = probe(x.astype("float32"), training=False)
    arrays = {
        layer.name: keras.ops.convert_to_numpy(g) for layer, g in zip(layers, gates, strict=True)
    }
    np.savez(folder / "gates.npz", x=x, logits=keras.ops.convert_to_numpy(logits), **arrays)
    model.save_weights(folder / "b0.weights.h5")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
