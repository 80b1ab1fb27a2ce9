"""What a set of weights is and how pictures must be prepared for it: data, no torch.

The names of a layout's tensors say nothing about padding, BN epsilon, crop or mean, and a wrong
choice moves logits by 0.1 to 2 without an error, so these travel with the weights.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from effnet.architecture.spec import Config
from effnet.errors import CheckpointError
from effnet.limits import LIMITS

Interpolation = Literal["bicubic", "bilinear"]
Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
LITE_MEAN: Triple = (127 / 255, 127 / 255, 127 / 255)
LITE_STD: Triple = (128 / 255, 128 / 255, 128 / 255)

FORMAT = "effnet/1"
"""Value of the metadata key `format` in our safetensors files."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """From a picture to the network's input.

    Take the central square of `crop` times the shorter side, resize it to `size` px, scale pixels
    to 0..1, subtract `mean`, divide by `std`. `grey` first turns the picture to shades of grey.
    """

    size: int
    crop: float = 0.875
    interpolation: Interpolation = "bicubic"
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    grey: bool = False

    def __post_init__(self) -> None:
        numbers = (self.crop, *self.mean, *self.std)
        ok = (
            isinstance(self.size, int)
            and 1 <= self.size <= LIMITS.max_resolution
            and all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers)
            and 0 < self.crop <= 1
            and len(self.mean) == len(self.std) == 3
            and min(self.std) > 0
            and self.interpolation in ("bicubic", "bilinear")
        )
        if not ok:
            raise CheckpointError(
                "The preprocessing in this file makes no sense; it needs a size, a crop from 0 to "
                "1, bicubic or bilinear, three means and three deviations above 0."
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Preprocessing:
        """The way back from `asdict`; unknown keys are ignored."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        for key in ("mean", "std"):
            if key in known:
                known[key] = tuple(known[key])
        return cls(**known)


@dataclass(frozen=True, kw_only=True)
class WeightsInfo:
    """Where weights come from and what is claimed for them.

    `trained` is False for a fresh initialisation, which every page must label.
    """

    name: str
    title: str
    config: Config
    preprocessing: Preprocessing
    trained: bool = True
    labels: str | tuple[str, ...] = ""  # "imagenet", or the names themselves, or "" for unknown
    source: str = ""
    license: str = ""
    recipe: str = ""
    accuracy: str = ""
    accuracy_source: str = ""
    digest: str = ""  # sha256 of the file the tensors came from, where one was checked

    def to_metadata(self) -> dict[str, str]:
        """The metadata of a safetensors file: a flat dict of strings."""
        body = asdict(self)
        labels = body.pop("labels")
        config, preprocessing = body.pop("config"), body.pop("preprocessing")
        return {
            "format": FORMAT,
            "config": json.dumps(config),
            "preprocessing": json.dumps(preprocessing),
            "labels": json.dumps(labels),
            "about": json.dumps(body),
        }

    @classmethod
    def from_metadata(cls, metadata: dict[str, str]) -> WeightsInfo:
        """The way back; every field is checked, since the file may be a stranger's.

        Raises:
            CheckpointError: when the metadata is not ours or says something impossible.
        """
        if metadata.get("format") != FORMAT:
            raise CheckpointError(
                "This file does not say which network it is for; import it first with "
                "`python -m effnet weights import FILE -o OUT.safetensors`."
            )
        try:
            about = _typed_dict(json.loads(metadata["about"]))
            labels = json.loads(metadata["labels"])
            config = _config(_typed_dict(json.loads(metadata["config"])))
            preprocessing = Preprocessing.from_dict(
                _typed_dict(json.loads(metadata["preprocessing"]))
            )
            texts = {
                f.name: _plain(about.get(f.name, ""), 2000)
                for f in fields(cls)
                if f.name not in ("config", "preprocessing", "labels", "trained")
            }
        except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
            raise CheckpointError(
                "The description inside this weight file is damaged; make the file again."
            ) from error
        return cls(
            config=config, preprocessing=preprocessing, labels=_labels(labels, config.num_classes),
            trained=bool(about.get("trained", True)), **texts,
        )  # fmt: skip


def _typed_dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _plain(value: object, length: int) -> str:
    """Text that can be shown: nothing that does not print, and not too long."""
    return "".join(c if c.isprintable() else " " for c in str(value)[:length])


def _config(values: dict[str, Any]) -> Config:
    """`Config` checks ranges; a stranger's file may also hold the wrong kinds of values."""
    for key, value in values.items():
        if key in ("lite", "se"):
            ok = isinstance(value, bool)
        elif key in ("resolution", "num_classes", "in_channels", "stem_stride"):
            ok = isinstance(value, int) and not isinstance(value, bool)
        elif key in ("phi", "alpha", "beta", "gamma"):
            ok = value is None or (isinstance(value, (int, float)) and math.isfinite(value))
        else:
            ok = isinstance(value, (int, float)) or (isinstance(value, str) and value.isprintable())
        if not ok:
            raise TypeError(key)
    return Config(**values)


def _labels(value: object, classes: int) -> str | tuple[str, ...]:
    """Names as they are when there is one for each class; `imagenet` stands for its thousand."""
    if isinstance(value, list) and len(value) == classes:
        return tuple(_plain(name, LIMITS.label_chars) for name in value)
    return "imagenet" if value == "imagenet" and classes == 1000 else ""
