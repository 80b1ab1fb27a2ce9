"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, MIT licence): 60,000 + 10,000 grey 28x28 pictures."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from effnet.errors import EffnetError

FASHION_MNIST = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package `dataset-fashion-mnist` puts the files."""

MEAN, STD = 0.2860, 0.3530  # of the training pixels, 0..1


class Split(NamedTuple):
    """images: uint8 (N, 28, 28). labels: int64 (N,)."""

    images: Tensor
    labels: Tensor


def read_idx(path: Path) -> Tensor:
    """One gzipped IDX file of unsigned bytes: a big-endian header, then the values.

    Raises:
        EffnetError: when the file is missing or is not such a file.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
        dims = raw[3]
        shape = tuple(np.frombuffer(raw, ">i4", dims, 4).tolist())
        values = np.frombuffer(raw, np.uint8, offset=4 + 4 * dims).reshape(shape)
    except (OSError, EOFError, IndexError, ValueError) as error:
        raise EffnetError(
            f"{path} cannot be read as Fashion-MNIST data; install Debian's package "
            "dataset-fashion-mnist or give the folder with its four files by --folder."
        ) from error
    return torch.from_numpy(values.copy())


def load(folder: Path = DEBIAN_FOLDER) -> tuple[Split, Split]:
    """Training and test split."""

    def split(name: str) -> Split:
        images = read_idx(folder / f"{name}-images-idx3-ubyte.gz")
        return Split(images, read_idx(folder / f"{name}-labels-idx1-ubyte.gz").long())

    return split("train"), split("t10k")


def to_input(images: Tensor) -> Tensor:
    """uint8 (N, 28, 28) -> float32 (N, 3, 28, 28), the grey value in all three channels."""
    x = images.float().div(255).sub(MEAN).div(STD)
    return x[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def augment(images: Tensor, shift: int, generator: torch.Generator) -> Tensor:
    """Each picture mirrored with chance 1/2 and moved by up to `shift` px; uint8 in and out."""
    n, h, w = images.shape
    flip = torch.rand(n, generator=generator) < 0.5
    images = torch.where(flip[:, None, None], images.flip(2), images)
    padded = F.pad(images, (shift, shift, shift, shift))
    dy, dx = torch.randint(0, 2 * shift + 1, (2, n), generator=generator)
    rows = (dy[:, None] + torch.arange(h))[:, :, None]
    columns = (dx[:, None] + torch.arange(w))[:, None, :]
    return padded[torch.arange(n)[:, None, None], rows, columns]
