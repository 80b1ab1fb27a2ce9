"""The headless inspection: pictures in; predictions, gates, a heat map and an overlay out as files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from effnet.drawing.overlay import overlay
from effnet.errors import EffnetError, ImageError, WeightsError
from effnet.files import write_bytes
from effnet.inspection.images import Picture, encode_png, prepare, read_picture
from effnet.limits import LIMITS
from effnet.weights.labels import find_class, labels_of

if TYPE_CHECKING:
    from effnet.inspection.gradcam import Cam
    from effnet.inspection.trace import Trace
    from effnet.network.model import EfficientNet
    from effnet.weights.info import WeightsInfo

Say = Callable[[str], None]


def read_file(path: Path) -> Picture:
    """A picture from disk, under the limits of an upload.

    Raises:
        ImageError: when there is no such file or it is no picture.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LIMITS.image_bytes + 1)
    except OSError as error:
        raise ImageError(
            f"{path} cannot be read ({error.strerror}); give a picture file."
        ) from error
    return read_picture(data)


def load_model(model: str, weights: str | None, say: Say) -> EfficientNet:
    """The network with the weights asked for; without a wish, its own, else untrained and said so."""
    import torch

    from effnet.inspection.devices import arrange, choose_device
    from effnet.weights.load import load

    device, dtype = choose_device(), torch.float32
    if weights == "none":
        return arrange(load(model, None, device=device))
    if weights is not None:
        return arrange(load(model, weights, device=device, dtype=dtype))
    try:
        return arrange(load(model, "default", device=device, dtype=dtype))
    except WeightsError as error:
        say(f"{error} Going on UNTRAINED: gates, predictions and maps of a fresh initialisation.")
        return arrange(load(model, None, device=device))


def inspect_files(
    images: Sequence[Path], *, model: str, weights: str | None, target: str | None, block: str,
    out: Path, say: Say = print,
) -> int:  # fmt: skip
    """Write `result.json`, `gates.npz`, `cam.npy` and `overlay.png` for each picture.

    One picture goes into `out` itself, several into `out/001-name` and so on. A picture that
    cannot be read is named and the others are done.

    Returns:
        0, or 2 when any picture was refused.

    Raises:
        EffnetError: when nothing can be done at all.
    """
    net = load_model(model, weights, say)
    failed = 0
    for number, path in enumerate(images, start=1):
        folder = out if len(images) == 1 else out / f"{number:03d}-{_safe(path.stem)}"
        try:
            _inspect_one(net, path, target, block, folder)
        except ImageError as error:
            failed += 1
            say(f"error: {path}: {error}")
    return 2 if failed else 0


def _safe(stem: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in stem)[:60] or "picture"


def _inspect_one(
    net: EfficientNet, path: Path, target: str | None, block: str, folder: Path
) -> None:
    import torch

    from effnet.inspection.gradcam import grad_cam
    from effnet.inspection.trace import trace

    info: WeightsInfo = net.info
    picture = read_file(path)
    ready = prepare(picture, info.preprocessing)
    x = torch.from_numpy(ready.values)
    seen = trace(net, x)
    labels = labels_of(info)
    wanted = find_class(target, labels, info.config.num_classes) if target else seen.top(1)[0][0]
    cam = grad_cam(net, x, wanted, block)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EffnetError(
            f"{folder} cannot be made ({error.strerror}); choose another --out."
        ) from error
    result = _result(path, picture, info, seen, cam, labels)
    result["crop"] = {"box": list(ready.box), "size": info.preprocessing.size}
    result["device"] = str(net.classifier.weight.device)
    write_bytes(folder / "gates.npz", _npz({k: v[0] for k, v in seen.gates.items()}))
    write_bytes(folder / "cam.npy", _npy(cam.grid[0]))
    write_bytes(folder / "overlay.png", encode_png(overlay(ready.pixels, cam.placed[0])))
    write_bytes(folder / "result.json", (json.dumps(result, indent=2) + "\n").encode())


def _result(
    path: Path, picture: Picture, info: WeightsInfo, seen: Trace, cam: Cam, labels: tuple[str, ...]
) -> dict[str, Any]:
    p, logits = seen.probabilities[0], seen.logits[0]

    def entry(index: int) -> dict[str, Any]:
        return {
            "index": index,
            "label": labels[index] if labels else None,
            "probability": float(p[index]),
            "logit": float(logits[index]),
        }

    return {
        "image": path.name,
        "sha256": picture.digest,
        "notes": list(picture.notes),
        "model": info.config.name,
        "weights": info.name,
        "trained": info.trained,
        "padding": info.config.padding,
        "bn_eps": info.config.bn_eps,
        "preprocessing": asdict(info.preprocessing),
        "top5": [entry(index) for index, _ in seen.top(5)],
        "target": entry(cam.target),
        "cam": {"block": cam.block, "shape": list(cam.grid[0].shape), "grid": cam.grid[0].tolist()},
        "gates": {block: gates[0].tolist() for block, gates in seen.gates.items()},
    }


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _npz(arrays: dict[str, np.ndarray]) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()
