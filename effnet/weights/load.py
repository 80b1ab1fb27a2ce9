"""`effnet.load`: a network with weights, from a name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from effnet.architecture.scaling import build
from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.errors import CheckpointError, WeightsError
from effnet.network.model import EfficientNet, build_model
from effnet.weights.cache import wanted_digest
from effnet.weights.catalog import CATALOG, Entry, default_for, entries_for, entry_for
from effnet.weights.hints import usual_preprocessing
from effnet.weights.importing import read_any
from effnet.weights.info import WeightsInfo
from effnet.weights.loaded import assemble
from effnet.weights.store import Cancel, Progress, fetch

if TYPE_CHECKING:
    import torch

UNTRAINED = "Untrained (fresh initialisation)"


def load(
    name: str | Spec | None,
    weights: str | Path | None = None,
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> EfficientNet:
    """A network in eval mode; its `info` (a `WeightsInfo`) says what its weights are.

    What the weights were made with wins: padding, BN epsilon, number of classes, SE widths and
    resolution of the model's spec are those of `weights`, so that the answers are those of the
    library that trained them. The network itself must be the one asked for.

    Args:
        name: a network's name or a spec; None takes whatever network the weights are for.
        weights: None for a fresh initialisation, which `info.trained` and `info.title` say;
            `imagenet` for the network's ImageNet weights; `default` for what it is shown with;
            a name of the catalogue; or a file of any kind that `weights import` reads. Such a file
            should be your own: see `importing.py`.
        seed: of a fresh initialisation.
        device: where the weights go. dtype: of the weights; by default float32, or float64 when
            the file has only float64.
        progress, cancel: for a download, see `store.py`.

    Raises:
        SpecError: for an unknown network.
        CheckpointError: when a file does not fit, or is for another network.
        WeightsError: when weights cannot be had.
    """
    wanted = spec_for(name) if isinstance(name, str) else name
    if weights is None:
        if wanted is None:
            raise WeightsError("Say which network, or which weights.")
        return _fresh(wanted, seed, device, dtype)
    entry = _entry(wanted, weights)
    if entry is not None:
        _check_network(wanted, isinstance(name, str), entry.info, entry.name)
        path = fetch(entry, progress=progress, cancel=cancel)
        flags = (None, None) if entry.kind == "asset" else (entry.layout, entry.info.config.padding)
        info, tensors = read_any(path, layout=flags[0], padding=flags[1])
        if entry.kind != "asset":
            info = entry.info
        info = replace(info, digest=wanted_digest(entry, path))
    else:
        path = Path(weights)
        info, tensors = read_any(path)
    _check_network(wanted, isinstance(name, str), info, path.name)
    return assemble(info, tensors, device=device, dtype=dtype)


def _entry(wanted: Spec | None, weights: str | Path) -> Entry | None:
    """The catalogue's entry that is meant, or None when `weights` is a file."""
    if weights in ("imagenet", "default") and wanted is not None:
        entry = default_for(wanted.name)
        if entry is not None and (weights == "default" or entry.info.labels == "imagenet"):
            return entry
        others = ", ".join(e.name for e in entries_for(wanted.name))
        raise WeightsError(
            f"{wanted.name} has no published {'ImageNet ' * (weights == 'imagenet')}weights; "
            + (f"it has {others}." if others else "it can only be used untrained.")
        )
    if isinstance(weights, Path) or weights not in CATALOG:
        if Path(weights).is_file():
            return None
        if isinstance(weights, Path) or "/" in weights or Path(weights).suffix in _SUFFIXES:
            raise WeightsError(f"There is no file {weights}.")
        return entry_for(weights)  # says which names there are
    return CATALOG[weights]


_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".h5", ".keras", ".hdf5")


def _check_network(wanted: Spec | None, by_name: bool, info: WeightsInfo, source: str) -> None:
    """The weights must be for the network asked for; the classifier may have other classes.

    Asked for by name, the SE widths may be those of the common mistake: they are the file's.
    """
    if wanted is None:
        return
    found = build(info.config)

    def outline(spec: Spec) -> object:
        se = (lambda b: b.se_channels is not None) if by_name else (lambda b: b.se_channels)
        blocks = [(b.stage, b.kernel, b.in_channels, b.out_channels, se(b)) for b in spec.blocks]
        return (spec.stem_channels, spec.head_channels, spec.config.lite, spec.config.stem_stride,
                spec.config.in_channels, blocks)  # fmt: skip

    if outline(found) != outline(wanted):
        other = found.name if found.name != wanted.name else f"another {found.name}"
        raise CheckpointError(
            f"{source} is for {other}, not for {wanted.name}; choose that network or other weights."
        )


def _fresh(spec: Spec, seed: int, device: str, dtype: torch.dtype | None) -> EfficientNet:
    model = build_model(spec, seed).to(device=device, dtype=dtype)
    own = default_for(spec.name)
    preprocessing = usual_preprocessing(spec.config, "ours")
    if own is not None and own.kind == "asset":
        preprocessing = replace(own.info.preprocessing, size=spec.resolution)
    model.info = WeightsInfo(
        name="untrained", title=UNTRAINED, config=spec.config, preprocessing=preprocessing,
        trained=False, recipe=f"the official rule, seed {seed}",
    )  # fmt: skip
    return model
