"""Figures that papers and model cards printed, each with its source.

They all live in `assets/published.json`; nothing else in the project writes one down. What this
library can count (parameters, MACs, shapes) is counted, never read from here; what the paper
printed for the same is kept as the text it printed, so that the two can be shown beside each other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from effnet.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).resolve().parents[2] / "assets" / "published.json"

RECIPES = {
    "base": "plain preprocessing",
    "autoaugment": "AutoAugment",
    "randaugment": "RandAugment",
    "advprop": "AdvProp",
    "noisy_student": "Noisy Student, extra unlabelled pictures",
    "noisy_student_800px": "Noisy Student, extra unlabelled pictures, 800 px",
    "noisy_student_475px": "Noisy Student, extra unlabelled pictures, 475 px",
}
"""Training recipes of the official checkpoints: key in the file -> words."""


class Source(NamedTuple):
    """Where a figure was printed: a title, the place in it, and an address."""

    key: str
    title: str
    where: str
    url: str


@dataclass(frozen=True)
class Printed:
    """One network's row in one source; None where the source has no such column.

    Attributes:
        params, flops: text as printed, e.g. `5.3M` and `0.39B`. The sources say FLOPs or MAdds and
            count multiply-accumulates. `count` reads such a text.
        top1, top5: ImageNet validation accuracy, percent.
        crop: px of the picture at evaluation.
    """

    source: Source
    params: str | None = None
    flops: str | None = None
    top1: float | None = None
    top5: float | None = None
    crop: int | None = None


@dataclass(frozen=True)
class Published:
    """Everything printed about one network.

    `recipes` maps a key of `RECIPES` to the top-1 accuracy (percent) of the official checkpoint.
    """

    name: str
    paper_v5: Printed | None
    paper_v1: Printed | None
    official_lite: Printed | None
    torchvision_v1: Printed | None
    torchvision_v2: Printed | None
    recipes: Mapping[str, float]


class OneAxis(NamedTuple):
    """A row of the paper's Table 7: B0 scaled along one axis, or along all three."""

    name: str
    depth: float
    width: float
    resolution: float
    flops: str
    top1: float


@lru_cache(maxsize=1)
def _file() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def source(key: str) -> Source:
    """A source by its key, e.g. `paper_v5`.

    Raises:
        SpecError: for an unknown key.
    """
    entry = _file()["sources"].get(key)
    if entry is None:
        raise SpecError(f"There is no source called {key!r:.40}.")
    return Source(key, entry["title"], entry["where"], entry["url"])


def _printed(entry: dict[str, Any], key: str) -> Printed | None:
    if key not in entry:
        return None
    known = {k: v for k, v in entry[key].items() if k in Printed.__dataclass_fields__}
    return Printed(source(key), **known)


@lru_cache(maxsize=64)
def published(name: str) -> Published:
    """What was printed about a released network.

    >>> published("b4").paper_v5.top1, published("b4").paper_v1.top1
    (82.9, 82.6)

    Raises:
        SpecError: for a network that nobody published.
    """
    entry = _file()["networks"].get(name)
    if entry is None:
        known = ", ".join(_file()["networks"])
        raise SpecError(f"Nothing is published about {name!r:.40}; choose one of {known}.")
    keys = ("paper_v5", "paper_v1", "official_lite", "torchvision_v1", "torchvision_v2")
    rows = {key: _printed(entry, key) for key in keys}
    return Published(name=name, recipes=MappingProxyType(entry.get("official", {})), **rows)


def one_axis() -> tuple[OneAxis, ...]:
    """The paper's own comparison of one axis alone with compound scaling (v5, Table 7)."""
    return tuple(OneAxis(**row) for row in _file()["one_axis"]["rows"])


def other(name: str) -> Mapping[str, Any]:
    """A figure about a network of another family, e.g. `senet154`; `source` is a key.

    Raises:
        SpecError: for an unknown name.
    """
    entry = _file()["others"].get(name)
    if entry is None:
        raise SpecError(f"Nothing is published here about {name!r:.40}.")
    return MappingProxyType(entry)


def count(text: str) -> float:
    """The number behind a printed `0.39B`, `5.3M` or `407M`.

    Raises:
        SpecError: for other text.
    """
    scale = {"M": 1e6, "B": 1e9}.get(text[-1:], 1.0)
    try:
        return float(text.rstrip("MB")) * scale
    except ValueError as error:
        raise SpecError(f"{text!r:.40} is not a printed count such as 5.3M.") from error
