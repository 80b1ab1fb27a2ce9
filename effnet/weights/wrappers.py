"""What training scripts put around a state dict, and how to take it off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from effnet.errors import CheckpointError
from effnet.weights.layouts import LAYOUTS

if TYPE_CHECKING:
    from torch import Tensor

AVERAGED = ("state_dict_ema", "model_ema", "ema_state_dict")
WRAPPERS = (
    *AVERAGED, "state_dict", "model_state_dict", "model", "model_state", "net", "network", "weights",
)  # fmt: skip
"""Keys under which training scripts keep the weights; averaged ones first, as timm loads them."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "ema.")
"""What wrappers put before every name: DataParallel, torch.compile, Lightning and their like."""

BESIDE = ("n_averaged",)
"""Tensors that wrappers keep beside the weights: torch's AveragedModel counts its updates."""


class Unwrapped(NamedTuple):
    """The tensors of a checkpoint under bare names; the architecture it notes, if any.

    averaged: the key of a moving average that was taken although the plain weights are there too.
    """

    tensors: dict[str, Tensor]
    architecture: str | None
    averaged: str


def unwrap(loaded: object, name: str) -> Unwrapped:
    """The tensors of a checkpoint under bare names.

    Args:
        loaded: what `torch.load` returned. name: of the file, for the sentence.

    Raises:
        CheckpointError: when there are no plain tensors under names.
    """
    import torch

    architecture = loaded.get("arch") if isinstance(loaded, Mapping) else None  # as timm notes it
    averaged = ""
    for _ in range(3):
        if not isinstance(loaded, Mapping):
            break
        keys = [key for key in WRAPPERS if isinstance(loaded.get(key), Mapping)]
        if not keys:
            break
        if keys[0] in AVERAGED and len(keys) > 1:
            averaged = keys[0]
        loaded = loaded[keys[0]]
    tensors: dict[str, Tensor] = {}
    if isinstance(loaded, Mapping):
        tensors = {
            key: value
            for key, value in loaded.items()
            if isinstance(key, str) and isinstance(value, torch.Tensor)
        }
    if not tensors or any(t.layout != torch.strided or t.is_quantized for t in tensors.values()):
        raise CheckpointError(
            f"{name} holds no plain tensors under names; save model.state_dict() with torch.save."
        )
    bare = {short: tensors[long] for short, long in bare_names(tensors).items()}
    return Unwrapped(bare, architecture if isinstance(architecture, str) else None, averaged)


def bare_names(names: Iterable[str]) -> dict[str, str]:
    """Bare name to the name in the file: without the prefixes that all names share.

    A prefix may be any (`efficientnet.` in somebody's own module) where a layout's mark follows it.
    """
    found = {name: name for name in names if name not in BESIDE}
    for _ in range(4):
        prefix = next((p for p in _prefixes(found) if all(n.startswith(p) for n in found)), "")
        if not prefix:
            break
        found = {short.removeprefix(prefix): long for short, long in found.items()}
    return found


def _prefixes(names: Iterable[str]) -> tuple[str, ...]:
    marks = tuple(f".{layout.mark}" for layout in LAYOUTS.values())
    before = {n.removesuffix(m) + "." for n in names for m in marks if n.endswith(m)}
    return (*before, *PREFIXES)
