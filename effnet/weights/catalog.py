"""Every set of weights that can be had here, by name; which one a network is shown with; what has
been verified about each. No torch, no network.
"""

from __future__ import annotations

from typing import NamedTuple

from effnet.errors import WeightsError
from effnet.weights.info import WeightsInfo
from effnet.weights.labels import ASSETS
from effnet.weights.published import Entry, published
from effnet.weights.tensorfile import opened, read_header

CATALOG: dict[str, Entry] = {entry.name: entry for entry in published()}
"""Every entry by name, in the order in which a menu shows them."""

DEFAULTS = {
    "b0": "torchvision-b0-v1", "b1": "torchvision-b1-v2", "b2": "torchvision-b2-v1",
    "b3": "torchvision-b3-v1", "b4": "torchvision-b4-v1", "b5": "torchvision-b5-v1",
    "b6": "torchvision-b6-v1", "b7": "torchvision-b7-v1",
    "b8": "timm-tf_efficientnet_b8.ra_in1k", "l2": "timm-tf_efficientnet_l2.ns_jft_in1k_475",
    "lite0": "pypi-lite0", "lite1": "pypi-lite1", "lite2": "pypi-lite2",
    "lite3": "timm-tf_efficientnet_lite3.in1k", "lite4": "timm-tf_efficientnet_lite4.in1k",
    "mini": "mini-fashion", "mini-no-se": "mini-fashion-no-se",
}  # fmt: skip
"""What a network is shown with when nobody chose."""


def entries_for(variant: str) -> tuple[Entry, ...]:
    """Every entry of a network, its default first."""
    default = DEFAULTS.get(variant)
    found = [entry for entry in CATALOG.values() if entry.variant == variant]
    return tuple(sorted(found, key=lambda entry: entry.name != default))


def default_for(variant: str) -> Entry | None:
    """The entry that a network is shown with, or None for one without published weights."""
    return CATALOG.get(DEFAULTS.get(variant, ""))


def entry_for(name: str) -> Entry:
    """The entry called `name`.

    Raises:
        WeightsError: naming some that exist.
    """
    if name not in CATALOG:
        same = [known for known in CATALOG if name.lower() in known.lower()] or list(CATALOG)
        raise WeightsError(
            f"There are no weights called {name!r:.60}; `python -m effnet weights list` shows all, "
            f"for instance {', '.join(same[:3])}."
        )
    return CATALOG[name]


def describe(entry: Entry) -> WeightsInfo:
    """`entry.info`; for a file of this project, what the file itself says, accuracy included.

    Raises:
        CheckpointError: when the file is there and is damaged.
    """
    path = ASSETS / "weights" / entry.file
    if entry.kind != "asset" or not path.exists():
        return entry.info
    with opened(path) as data:
        return WeightsInfo.from_metadata(dict(read_header(data).metadata))


class Verified(NamedTuple):
    """What has been verified about an entry, each as a short phrase, or empty for nothing.

    Attributes:
        digest: what its file is compared with each time it is loaded.
        names: that every tensor has exactly one place.
        predictions: what its answers were compared with.
    """

    digest: str
    names: str
    predictions: str


def verified(entry: Entry) -> Verified:
    """The checks behind an entry. Those of the digest happen at each load, the others in the tests."""
    if len(entry.digest) == 64:
        digest = "full sha256"
    elif entry.kind == "pypi":
        digest = f"sha256 {entry.digest}.. from the file's name, and the package's own record"
    elif entry.digest:
        digest = (
            f"sha256 {entry.digest}.. from the file's name; the full one from the first fetch on"
        )
    elif entry.kind == "hf":
        digest = "sha256 as the repository states it at the first fetch, pinned with its revision"
    else:
        digest = "full sha256" if recorded_digest(entry) else ""
    predictions = {
        "pypi-lite0": "five classes and logits on four reference photographs",
        "mini-fashion": "accuracy measured on the stored weights",
        "mini-fashion-no-se": "accuracy measured on the stored weights",
    }.get(entry.name, "")
    return Verified(digest, "one tensor for each name, and the shapes", predictions)


def recorded_digest(entry: Entry) -> str:
    """The full sha256 that stands in the project for one of its own files, or an empty string."""
    sums = ASSETS / "weights" / "SHA256SUMS"
    if entry.kind != "asset" or not sums.exists():
        return entry.digest
    for line in sums.read_text(encoding="utf-8").splitlines():
        digest, _, file = line.partition(" ")
        if file.strip().lstrip("*") == entry.file:
            return digest
    return ""


__all__ = [
    "CATALOG", "DEFAULTS", "Entry", "Verified", "default_for", "describe", "entries_for",
    "entry_for", "recorded_digest", "verified",
]  # fmt: skip
