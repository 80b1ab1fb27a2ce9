"""What training scripts put around a state dict, and how to take it off."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from effnet.errors import CheckpointError

WRAPPERS = (
    "state_dict_ema", "model_ema", "ema_state_dict", "state_dict", "model_state_dict", "model",
    "model_state", "net", "network", "weights",
)  # fmt: skip
"""Keys under which training scripts keep the weights, averaged ones first (as timm loads them)."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.", "backbone.", "ema.")
"""What wrappers put before every name: DataParallel, torch.compile, Lightning and their like."""

BESIDE = ("n_averaged",)
"""Tensors that wrappers keep beside the weights: torch's AveragedModel counts its updates."""


def state_dict_of(loaded: object, name: str) -> dict[str, Tensor]:
    """The tensors of a checkpoint under bare names.

    Args:
        loaded: what `torch.load` returned. name: of the file, for the sentence.

    Raises:
        CheckpointError: when there are no plain tensors under names.
    """
    for _ in range(3):
        if not isinstance(loaded, Mapping):
            break
        inner = next((loaded[k] for k in WRAPPERS if isinstance(loaded.get(k), Mapping)), None)
        if inner is None:
            break
        loaded = inner
    if isinstance(loaded, Mapping):
        tensors = {
            key: value
            for key, value in loaded.items()
            if isinstance(key, str) and isinstance(value, Tensor) and key not in BESIDE
        }
        if tensors and all(
            t.layout == torch.strided and not t.is_quantized for t in tensors.values()
        ):
            return _bare(tensors)
    raise CheckpointError(
        f"{name} holds no plain tensors under names; save model.state_dict() with torch.save."
    )


def architecture_of(loaded: object) -> str | None:
    """What a training script noted as the name of its network: timm keeps it under `arch`."""
    name = loaded.get("arch") if isinstance(loaded, Mapping) else None
    return name if isinstance(name, str) else None


def _bare(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the prefixes that all names share."""
    for _ in range(4):
        prefix = next((p for p in PREFIXES if all(name.startswith(p) for name in tensors)), None)
        if prefix is None:
            break
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors
