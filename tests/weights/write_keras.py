"""Run as a program: writes Keras' own files and Keras' own answers into a folder.

    KERAS_BACKEND=torch python tests/weights/write_keras.py FOLDER

For each case `NAME.npz` holds raw pictures `x` (0..255, NHWC) and the logits that Keras computed,
and there are the files that Keras saved. The values are conditioned as in `conditioned.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import torch

torch.set_num_threads(1)
CLASSES = 9
IMAGENET = {"mean": np.array([0.485, 0.456, 0.406]), "std": np.array([0.229, 0.224, 0.225])}


def build(name: str, size: int, **settings: object) -> keras.Model:
    maker = getattr(keras.applications, f"EfficientNet{name.upper()}")
    settings = {"weights": None, "classes": CLASSES, **settings}
    return maker(input_shape=(size, size, 3), classifier_activation=None, **settings)


def pictures(size: int, n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (n, size, size, 3))


def condition(model: keras.Model, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    norms = []
    for layer in model.layers:
        kind, values = type(layer).__name__, layer.get_weights()
        if kind in ("Conv2D", "DepthwiseConv2D"):
            fan_in = (
                np.prod(values[0].shape[:3]) if kind == "Conv2D" else np.prod(values[0].shape[:2])
            )
            values[0] = rng.normal(0, np.sqrt(2 / fan_in), values[0].shape)
            values[1:] = [rng.normal(0, 0.2, b.shape) for b in values[1:]]
        elif kind == "Dense":
            values[0] = rng.normal(0, 1 / np.sqrt(values[0].shape[0]), values[0].shape)
            values[1] = rng.normal(0, 0.2, values[1].shape)
        elif kind == "BatchNormalization":
            scale = 0.25 if layer.name.endswith("project_bn") else 1.0
            values[0] = rng.uniform(0.8, 1.2, values[0].shape) * scale
            values[1] = rng.normal(0, 0.1, values[1].shape)
            norms.append((layer, layer.momentum))
            layer.momentum = 0.0
        elif kind == "Dropout":
            layer.rate = 0.0
        if values and kind != "Normalization":
            layer.set_weights(values)
    with torch.no_grad():
        model(pictures(size, 32, seed + 1).astype(keras.config.floatx()), training=True)
    for layer, momentum in norms:
        gamma, beta, mean, var = layer.get_weights()
        var = np.maximum(var, 0.5 * var.mean()) * rng.uniform(0.95, 1.15, var.shape)
        mean = mean + 0.05 * np.sqrt(var) * rng.normal(size=mean.shape)
        layer.set_weights([gamma, beta, mean, var])
        layer.momentum = momentum


def normalise(model: keras.Model, mean: np.ndarray, variance: np.ndarray) -> None:
    layer = next(layer for layer in model.layers if type(layer).__name__ == "Normalization")
    layer.set_weights([mean, variance, np.array(0)])
    layer.finalize_state()


def answer(model: keras.Model, size: int, folder: Path, name: str) -> None:
    x = pictures(size, 2, 99)
    with torch.no_grad():
        logits = model(x.astype(keras.config.floatx()), training=False)
    np.savez(folder / f"{name}.npz", x=x, logits=keras.ops.convert_to_numpy(logits))


def save(model: keras.Model, folder: Path, name: str) -> None:
    model.save_weights(folder / f"{name}.weights.h5")
    model.save(folder / f"{name}.h5")
    model.save(folder / f"{name}.keras")


def main(folder: Path) -> None:
    for name, size, calibrate in (("b0", 224, 96), ("b1", 96, 96), ("b3", 64, 64)):
        model = build(name, size)
        twin = model if size == calibrate else build(name, calibrate)
        if name == "b1":
            normalise(twin, IMAGENET["mean"], IMAGENET["std"] ** 2)
        condition(twin, calibrate, 1)
        model.set_weights(twin.get_weights())
        answer(model, size, folder, name)
        save(model, folder, name)

    # As weights="imagenet" builds it: the file stores deviations as variances, and a second
    # Rescaling divides by their square root. The published file is replaced by one of our own.
    donor = build("b0", 64, classes=1000)
    normalise(donor, IMAGENET["mean"], IMAGENET["std"] ** 2)
    condition(donor, 64, 2)
    normalise(donor, IMAGENET["mean"], IMAGENET["std"])
    donor.save(folder / "donor.h5")
    module = sys.modules["keras.src.applications.efficientnet"]
    original = module.file_utils.get_file
    module.file_utils.get_file = lambda *_, **__: str(folder / "donor.h5")
    try:
        model = build("b0", 224, weights="imagenet", classes=1000)
    finally:
        module.file_utils.get_file = original
    answer(model, 224, folder, "imagenet")
    save(model, folder, "imagenet")

    # A fine-tuned one: a new classifier on a notop network, as the Keras guides do it.
    base = build("b0", 64, include_top=False, pooling="avg")
    tuned = keras.Model(base.input, keras.layers.Dense(4, name="flowers")(base.output))
    condition(tuned, 64, 3)
    answer(tuned, 64, folder, "tuned")
    tuned.compile(optimizer="adam", loss="mse")
    save(tuned, folder, "tuned")
    base.save_weights(folder / "notop.weights.h5")

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    double = build("b0", 64)
    condition(double, 64, 4)
    # Keras rounds to float32 inside some layers even in float64; keep it from doing so.
    for module in ("keras.src.backend", "keras.src.backend.common.dtypes"):
        sys.modules[module].result_type = lambda *_: "float64"
    answer(double, 64, folder, "double")
    save(double, folder, "double")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
