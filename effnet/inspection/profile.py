"""The gates of many pictures, by group: counts, means and spreads per channel, in bounded memory.

A profile keeps sums, not pictures, so ten thousand pictures cost no more than ten. The statistics
follow the figure of Hu et al. (2018, section 6.4: "Role of Excitation"): the mean gate of each
channel for each class, and the spread within a class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from effnet.errors import ImageError, ProfileError
from effnet.inspection.images import prepare, read_picture
from effnet.inspection.trace import trace
from effnet.limits import LIMITS
from effnet.weights.info import Preprocessing, WeightsInfo

if TYPE_CHECKING:
    from effnet.network.model import EfficientNet

Array = np.ndarray

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif"})
WHOLE = "all"
"""The one group of a folder without sub-folders."""


@dataclass
class Sums:
    """Running count, mean and sum of squared deviations per channel (Welford; Chan et al. 1979).

    Attributes:
        count: pictures. mean, squares: (C,) float64. low, high: (C,) extremes.
    """

    count: int
    mean: Array
    squares: Array
    low: Array
    high: Array

    @classmethod
    def empty(cls, channels: int) -> Sums:
        return cls(
            0, np.zeros(channels), np.zeros(channels), np.full(channels, np.inf),
            np.full(channels, -np.inf),
        )  # fmt: skip

    def add(self, gates: Array) -> None:
        """Take in a batch (N, C)."""
        n = len(gates)
        if n == 0:
            return
        batch = gates.astype(np.float64)
        mean = batch.mean(0)
        squares = ((batch - mean) ** 2).sum(0)
        delta = mean - self.mean
        total = self.count + n
        self.mean = self.mean + delta * n / total
        self.squares = self.squares + squares + delta**2 * self.count * n / total
        self.count = total
        self.low = np.minimum(self.low, batch.min(0))
        self.high = np.maximum(self.high, batch.max(0))

    @property
    def variance(self) -> Array:
        """(C,) population variance."""
        return np.asarray(self.squares / max(self.count, 1))


@dataclass
class Profile:
    """Gates by group and block.

    Attributes:
        info: the weights that were used. groups: group -> block -> sums.
        damaged: (file, sentence) of pictures that could not be read.
    """

    info: WeightsInfo
    groups: dict[str, dict[str, Sums]] = field(default_factory=dict)
    damaged: list[tuple[str, str]] = field(default_factory=list)

    @property
    def pictures(self) -> int:
        return sum(next(iter(blocks.values())).count for blocks in self.groups.values() if blocks)

    def blocks(self) -> tuple[str, ...]:
        """Block ids in network order."""
        return tuple(next(iter(self.groups.values()), {}))

    def add(self, group: str, gates: dict[str, Array]) -> None:
        """Take in the gates of a batch of one group: block -> (N, C)."""
        blocks = self.groups.setdefault(group, {})
        for block, values in gates.items():
            blocks.setdefault(block, Sums.empty(values.shape[1])).add(values)

    def means(self, block: str) -> tuple[tuple[str, ...], Array]:
        """Group names and the mean gates (groups, C) of a block."""
        return tuple(self.groups), np.stack([blocks[block].mean for blocks in self.groups.values()])

    def mean_gates(self) -> dict[str, Array]:
        """Block -> (C,) mean over all pictures, for `mean` edits."""
        found = {}
        for block in self.blocks():
            parts = [blocks[block] for blocks in self.groups.values()]
            weights = np.array([p.count for p in parts], dtype=np.float64)
            found[block] = np.average([p.mean for p in parts], axis=0, weights=weights)
        return found


def _parts(profile: Profile, block: str) -> tuple[Array, Array, Array]:
    """Weights (G,), means (G, C) and variances (G, C) of the groups.

    Raises:
        ProfileError: for fewer than two groups.
    """
    parts = [blocks[block] for blocks in profile.groups.values()]
    if len(parts) < 2:
        raise ProfileError(
            "Class-specificity compares groups; give pictures in two or more folders."
        )
    weights = np.array([p.count for p in parts], dtype=np.float64)
    return (
        weights / weights.sum(),
        np.stack([p.mean for p in parts]),
        np.stack([p.variance for p in parts]),
    )


def spreads(profile: Profile, block: str) -> tuple[Array, Array]:
    """Standard deviations of each channel's gate (C,): within the groups, and between their means.

    Within: the root of the groups' mean variance. Between: of the groups' means around the mean of
    all. Groups are weighted by their pictures, so the squares of both add up to the whole variance.

    Raises:
        ProfileError: for fewer than two groups.
    """
    weights, means, variances = _parts(profile, block)
    between = weights @ (means - weights @ means) ** 2
    return np.sqrt(weights @ variances), np.sqrt(between)


def specificity(profile: Profile, block: str) -> Array:
    """(C,) class-specificity of each channel: the share of its gate's variance that the group explains.

    The correlation ratio eta squared: between-group variance / (between-group + within-group
    variance), groups weighted by their pictures. 0: the gate does not depend on the group; 1: the
    group alone sets it. Channels whose gate never varies count as 0.

    Raises:
        ProfileError: for fewer than two groups.
    """
    within, between = (s**2 for s in spreads(profile, block))
    total = between + within
    return np.asarray(np.divide(between, total, out=np.zeros_like(total), where=total > 1e-12))


def list_pictures(folder: Path) -> list[tuple[str, Path]]:
    """(group, file) of every picture file: sub-folders are groups, in order of their names.

    Raises:
        ProfileError: when the folder is missing or holds no pictures.
    """
    if not folder.is_dir():
        raise ProfileError(
            f"{folder} is not a folder; give one with pictures or sub-folders of pictures."
        )
    found: list[tuple[str, Path]] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith("."):
            inner = path.relative_to(folder).parts
            found.append((inner[0] if len(inner) > 1 else WHOLE, path))
    if not found:
        raise ProfileError(
            f"{folder} holds no pictures; it needs files like .jpg or .png, in sub-folders to compare groups."
        )
    return found


def _read(path: Path, preprocessing: Preprocessing) -> Array:
    try:
        with path.open("rb") as file:
            data = file.read(LIMITS.image_bytes + 1)
    except OSError as error:
        raise ImageError(f"It cannot be read ({error.strerror}).") from error
    return np.asarray(prepare(read_picture(data), preprocessing).values[0])


def batches(
    files: Sequence[tuple[str, Path]], preprocessing: Preprocessing, size: int
) -> Iterator[tuple[str, list[Array], list[tuple[str, str]], int]]:
    """(group, inputs (C, S, S), damaged, files read), batches of one group of at most `size`."""
    group, inputs, damaged, read = "", list[Array](), list[tuple[str, str]](), 0
    for name, path in files:
        if read and (name != group or len(inputs) >= size):
            yield group, inputs, damaged, read
            inputs, damaged, read = [], [], 0
        group, read = name, read + 1
        try:
            inputs.append(_read(path, preprocessing))
        except ImageError as error:
            damaged.append((str(path), str(error)))
    if read:
        yield group, inputs, damaged, read


def build_profile(
    model: EfficientNet,
    files: Sequence[tuple[str, Path]],
    *,
    profile: Profile | None = None,
    done: int = 0,
    size: int = 32,
    step: Callable[[Profile, int], None] = lambda profile, done: None,
) -> Profile:
    """Run every picture and add up its gates.

    Args:
        profile, done: where an earlier run stopped (files of the list that are already in it).
        size: pictures per forward pass. step: called after each batch.

    Raises:
        ProfileError: for a network without SE.
    """
    info: WeightsInfo = model.info
    if not model.spec.has_se:
        raise ProfileError(
            f"{model.spec.name} has no squeeze-and-excitation, so it has no gates to profile; "
            "choose a network with SE."
        )
    profile = profile or Profile(info)
    for group, inputs, damaged, read in batches(files[done:], info.preprocessing, size):
        profile.damaged.extend(damaged)
        if inputs:
            seen = trace(model, torch.from_numpy(np.stack(inputs)))
            profile.add(group, dict(seen.gates))
        done += read
        step(profile, done)
    return profile


def profile_of(info: WeightsInfo, groups: Iterable[tuple[str, dict[str, Array]]]) -> Profile:
    """A profile of gates that are already there: (group, block -> (C,)) for each picture."""
    profile = Profile(info)
    for group, gates in groups:
        profile.add(group, {block: np.atleast_2d(values) for block, values in gates.items()})
    return profile
