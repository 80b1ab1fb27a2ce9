"""What the trained gates do: the same network with its gates changed, on all test pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from effnet.inspection.profile import Profile
from effnet.inspection.trace import trace
from effnet.network.blocks import Tap
from effnet.network.model import EfficientNet
from effnet.training.data import FASHION_MNIST, Split, to_input

BATCH = 500
Gates = dict[str, Tensor]


def right(
    model: EfficientNet, split: Split, tap: Callable[[int], Tap | None] = lambda start: None
) -> Tensor:
    """(N,) bool: which pictures are answered rightly.

    Args:
        tap: `tap(start)` may change the gates of the batch that begins at that picture.
    """
    found = []
    with torch.inference_mode():
        for start in range(0, len(split.labels), BATCH):
            x = to_input(split.images[start : start + BATCH])
            found.append(model(x, tap(start)).argmax(1) == split.labels[start : start + BATCH])
    return torch.cat(found)


def share(found: Tensor) -> float:
    """Share of true values."""
    return int(found.sum()) / len(found)


def all_gates(model: EfficientNet, split: Split) -> Gates:
    """block -> (N, C) gates of every picture."""
    parts: dict[str, list[Tensor]] = {}

    def tap(point: str, t: Tensor) -> Tensor:
        if point.endswith(".gate"):
            parts.setdefault(point.removesuffix(".gate"), []).append(t[:, :, 0, 0].clone())
        return t

    right(model, split, lambda start: tap)
    return {block: torch.cat(values) for block, values in parts.items()}


def with_gates(
    change: Callable[[str, Tensor, int], Tensor], only: str | None = None
) -> Callable[[int], Tap]:
    """A tap that replaces gates (all blocks', or one's) by `change(block, gate, start)`."""

    def make(start: int) -> Tap:
        def tap(point: str, t: Tensor) -> Tensor:
            block = point.removesuffix(".gate")
            if not point.endswith(".gate") or (only is not None and block != only):
                return t
            return change(block, t, start)

        return tap

    return make


def gate_experiments(model: EfficientNet, train: Split, test: Split) -> dict[str, Any]:
    """Test accuracy with gates as they are, off, at their mean, shuffled, and block by block.

    The means are taken over the first 10,000 *training* pictures. Shuffled: the test pictures stand
    in a circle in a fixed random order, and each gets the gates of the next one.
    """
    seen = all_gates(model, Split(train.images[:10_000], train.labels[:10_000]))
    mean = {block: values.mean(0)[None, :, None, None] for block, values in seen.items()}
    own = all_gates(model, test)
    circle = torch.randperm(len(test.labels), generator=torch.Generator().manual_seed(0))
    order = torch.empty_like(circle)
    order[circle] = circle.roll(1)

    def off(block: str, t: Tensor, start: int) -> Tensor:
        return torch.ones_like(t)

    def at_mean(block: str, t: Tensor, start: int) -> Tensor:
        return mean[block].expand_as(t)

    def shuffled(block: str, t: Tensor, start: int) -> Tensor:
        return own[block][order[start : start + len(t)]][:, :, None, None]

    def half(block: str, t: Tensor, start: int) -> Tensor:
        return torch.full_like(t, 0.5)

    changes = {"off": off, "mean": at_mean, "shuffled": shuffled, "constant 0.5": half}
    result: dict[str, Any] = {"as trained": share(right(model, test))}
    result |= {
        name: share(right(model, test, with_gates(change))) for name, change in changes.items()
    }
    result["by block"] = {
        block: {
            "off": share(right(model, test, with_gates(off, block))),
            "mean": share(right(model, test, with_gates(at_mean, block))),
        }
        for block in model.spec.block_ids
    }
    return result


def class_profile(model: EfficientNet, test: Split) -> Profile:
    """Gates of all test pictures by class."""
    profile = Profile(model.info)
    for label, name in enumerate(FASHION_MNIST):
        images = test.images[test.labels == label]
        for start in range(0, len(images), BATCH):
            seen = trace(model, to_input(images[start : start + BATCH]))
            profile.add(name, dict(seen.gates))
    return profile
