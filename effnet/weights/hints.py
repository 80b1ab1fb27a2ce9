"""What a file's name, its neighbours and the catalogue tell that its tensors do not.

timm's two families have the same names, so `config.json` beside the file (as Hugging Face keeps
it) or a name such as `tf_efficientnet_b0` decides between them, and both know the preprocessing.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from effnet.architecture.spec import Config
from effnet.errors import CheckpointError
from effnet.weights.catalog import CATALOG, Entry, entries_for
from effnet.weights.families import ONLY_TF, Evidence, architecture_evidence, settle
from effnet.weights.info import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    LITE_MEAN,
    LITE_STD,
    Preprocessing,
    Triple,
    WeightsInfo,
)
from effnet.weights.recognise import Match

CONFIG_BYTES = 1_000_000


def usual_preprocessing(config: Config, layout: str) -> Preprocessing:
    """How weights of this layout are fed, where nothing better is known.

    torchvision's own transforms for its variants, and timm's for its: those of its published weights
    of the same variant and family, with ImageNet's mean where it has several. Else the official
    evaluation, which crops S / (S + 32), or S / (S + round(S / 7)) for Lite, and scales Lite's
    pixels as (x - 127) / 128.
    """
    kind = {"torchvision": "url", "timm": "hf"}.get(layout)
    same = [
        entry.info.preprocessing
        for entry in entries_for(config.name)
        if (entry.kind, entry.info.config.padding) == (kind, config.padding) and entry.info.labels
    ]
    usual = [how for how in same if how.mean == IMAGENET_MEAN]
    if same:
        return (usual or same)[0]
    size = config.resolution
    if config.lite:
        crop = size / (size + round(size / 7))
        return Preprocessing(size=size, crop=crop, mean=LITE_MEAN, std=LITE_STD)
    return Preprocessing(size=size, crop=size / (size + 32), mean=IMAGENET_MEAN, std=IMAGENET_STD)


def draft(
    match: Match,
    *,
    title: str,
    padding: str | None = None,
    bn_eps: float | None = None,
    evidence: Evidence | None = None,
    preprocessing: Preprocessing | None = None,
) -> WeightsInfo:
    """A description of a checkpoint that does not bring its own; `source` says who chose the padding.

    Raises:
        ChoiceNeededError, CheckpointError: as `families.settle`.
    """
    config, by = settle(
        match.spec.config, match.layout.name, padding=padding, bn_eps=bn_eps, evidence=evidence
    )
    preprocessing = preprocessing or usual_preprocessing(config, match.layout.name)
    return WeightsInfo(
        name=title,
        title=f"{match.variant} from {title}",
        config=replace(config, resolution=preprocessing.size),
        preprocessing=preprocessing,
        labels="imagenet" if config.num_classes == 1000 else "",
        source=f"{title}, a checkpoint as {match.layout.title} names it; {config.padding} padding, {by}",
    )


def describe_file(
    path: Path,
    match: Match,
    digest: str,
    *,
    padding: str | None = None,
    bn_eps: float | None = None,
    preprocessing: Preprocessing | None = None,
    architecture: str | None = None,
) -> WeightsInfo:
    """What is known of a file without our metadata: the catalogue first, then its neighbours.

    Args:
        digest: the file's sha256. preprocessing, architecture: what the file itself says, if anything.

    Raises:
        ChoiceNeededError, CheckpointError: as `families.settle`.
    """
    neighbours = Neighbours(path, architecture)
    entry, evidence = known_entry(digest, match), None
    if entry is not None:
        same = entry.info.config.padding == "same"
        evidence = Evidence(same, "The file's sha256", sure=True)
        preprocessing = entry.info.preprocessing
    elif match.layout.name == "timm":
        evidence = neighbours.evidence(match.variant)
        preprocessing = neighbours.preprocessing(match.variant)
    info = draft(
        match, title=path.name, padding=padding, bn_eps=bn_eps, evidence=evidence,
        preprocessing=preprocessing,
    )  # fmt: skip
    if entry is not None and entry.info.config.num_classes == info.config.num_classes:
        if entry.layout != match.layout.name:  # the same weights, converted by another library
            info = replace(info, recipe=entry.info.recipe, license=entry.info.license)
        elif bn_eps in (None, entry.info.config.bn_eps):
            info = entry.info
    return replace(info, digest=digest)


def known_entry(digest: str, match: Match) -> Entry | None:
    """The catalogue's entry for a published file, by its sha256 or the beginning that is published.

    It may also be an older file of the same weights, with the names of another library.
    """
    for entry in CATALOG.values():
        same = (
            entry.digest and digest.startswith(entry.digest) and entry.layout == match.layout.name
        )
        older = any(digest.startswith(_digest_in(file)) for file in entry.also)
        if (same or older) and entry.variant == match.variant:
            return entry
    return None


def _digest_in(file: str) -> str:
    """`827b6e33` of `tf_efficientnet_b0_aa-827b6e33.pth`."""
    return file.rpartition(".")[0].rpartition("-")[2]


class Neighbours:
    """A file's own name, its folder's, and a `config.json` beside it."""

    def __init__(self, path: Path, architecture: str | None = None) -> None:
        """`architecture`: what the file itself says, if anything."""
        self.path = path
        folder = path.parent
        if (
            folder.parent.name == "snapshots"
        ):  # Hugging Face's cache: models--timm--TAG/snapshots/..
            folder = folder.parent.parent
        self.folder = folder.name.removeprefix("models--timm--")
        self.architecture = architecture
        self.config = _read_config(path.with_name("config.json"))

    def evidence(self, variant: str) -> Evidence | None:
        """Whether this is a `tf_` checkpoint of timm; None when nothing tells."""
        for name, says in (
            (self.architecture, "The file"),
            (self.config.get("architecture"), "config.json beside the file"),
        ):
            found = architecture_evidence(name, variant, says)
            if found is not None:
                return found
        for name, says in (
            (self.path.name, "The file's name"),
            (self.folder, "The folder's name"),
        ):
            found = architecture_evidence(name, variant, says)
            # Without tf_, a name speaks only where the other family exists at all.
            if found is not None and (found.tf or variant not in ONLY_TF):
                return found
        return None

    def preprocessing(self, variant: str) -> Preprocessing | None:
        """timm's own settings for this file: from `config.json`, or from the tag in its name."""
        settings = self.config.get("pretrained_cfg")
        if isinstance(settings, dict):
            try:
                return _from_timm(settings)
            except (CheckpointError, ValueError, TypeError, KeyError, OverflowError):
                return None
        for entry in CATALOG.values():
            tag = entry.name.removeprefix("timm-")
            if entry.kind == "hf" and entry.variant == variant and tag in self._words():
                return entry.info.preprocessing
        return None

    def _words(self) -> tuple[str, ...]:
        return (self.path.name, self.path.stem, self.folder)


def _read_config(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > CONFIG_BYTES:
            return {}
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _from_timm(settings: dict[str, Any]) -> Preprocessing:
    size = settings.get("test_input_size") or settings["input_size"]
    mean, std = (tuple(float(v) for v in settings[key]) for key in ("mean", "std"))
    return Preprocessing(
        size=int(size[-1]),
        crop=float(settings.get("test_crop_pct") or settings["crop_pct"]),
        interpolation="bilinear" if settings.get("interpolation") == "bilinear" else "bicubic",
        mean=mean,  # type: ignore[arg-type]
        std=std,  # type: ignore[arg-type]
    )


def keras_preprocessing(
    size: int, mean: Triple, variance: Triple, *, rescalings: int, tf_keras: bool
) -> Preprocessing:
    """What a Keras model does to pixels itself, as mean and deviation of pixels from 0 to 1.

    keras.applications divides by 255, then takes (x - mean) / sqrt(variance). Its ImageNet files
    store the *deviation* as variance, and models built with them divide by its square root once
    more (a second Rescaling layer), so that the product is the usual one.

    Args:
        rescalings: number of Rescaling layers in the file. tf_keras: whether TF-Keras 2 wrote it.
    """
    stored = all(abs(v - s) < 1e-3 for v, s in zip(variance, IMAGENET_STD, strict=True))
    twice = rescalings > 1 or (tf_keras and stored)
    a, b, c = (
        v**0.5 * (s**0.5 if twice else 1.0) for v, s in zip(variance, IMAGENET_STD, strict=True)
    )
    return Preprocessing(size=size, crop=size / (size + 32), mean=mean, std=(a, b, c))
