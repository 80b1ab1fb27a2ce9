"""A stranger's weight file -> a network. Only safetensors; nothing in the file is ever executed.

The order is the safety: size, kind by content, header, names and shapes against the network, and
only then the values, one tensor at a time, which must be finite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from effnet.architecture.scaling import build
from effnet.errors import CheckpointError, SpecError
from effnet.limits import LIMITS
from effnet.weights.families import architecture_evidence
from effnet.weights.hints import Neighbours, draft
from effnet.weights.info import FORMAT, Preprocessing, WeightsInfo
from effnet.weights.keras_names import canonical, canonical_names, is_input_layer
from effnet.weights.layouts import KERAS, OURS
from effnet.weights.recognise import Match, fit, recognise
from effnet.weights.tensorfile import Buffer, Header, Slot, check_dtype, read_header, read_tensor
from effnet.weights.wrappers import bare_names

if TYPE_CHECKING:
    import torch

    from effnet.network.model import EfficientNet

COMMAND = "python -m effnet weights import FILE -o OUT.safetensors"

FOREIGN = (
    (0, b"PK\x03\x04", "a zip archive, such as PyTorch's .pth and .pt or Keras' .keras"),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file, such as Keras' .h5"),
    (0, b"\x80", "a Python pickle, such as PyTorch's older .pth and .pt"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (257, b"ustar", "a tar archive, such as PyTorch's oldest .pth"),
)
"""Files that people try: where their mark is, the mark, and what they are."""


class Found(NamedTuple):
    """What the header of a safetensors file says. slots: by the names that `match` uses."""

    slots: Mapping[str, Slot]
    match: Match
    info: WeightsInfo


def refuse_foreign(data: Buffer) -> None:
    """Refuse by content what would have to be unpickled or unpacked; a file's name never matters.

    Raises:
        CheckpointError: naming the command that imports such a file on its owner's machine.
    """
    if data[3:9] == b"\0\0\0\0\0{":
        return  # the start of every safetensors file with a header below 16 MB
    kinds = (what for at, mark, what in FOREIGN if data[at : at + len(mark)] == mark)
    what = next(kinds, "no .safetensors file")
    raise CheckpointError(
        f"This is {what}; only .safetensors files are read here, so if it holds weights, run "
        f"`{COMMAND}` on your own machine and give the result."
    )


def read_upload(
    data: bytes,
    *,
    padding: str | None = None,
    bn_eps: float | None = None,
    preprocessing: Preprocessing | None = None,
    labels: tuple[str, ...] | None = None,
) -> tuple[EfficientNet, WeightsInfo]:
    """The network in an uploaded safetensors file, in float32 and eval mode, with its description.

    The file may be one of ours (its metadata then says everything), or hold the tensors of
    torchvision, timm, lukemelas or Keras under their own names. Any number of classes.

    Args:
        data: the whole file.
        padding, bn_eps: for a file that does not say; see `families.settle`.
        preprocessing: how to prepare pictures, instead of what the file says or its layout implies.
        labels: class names, as `labels.read_class_names` gives them, one for each class.

    Raises:
        ChoiceNeededError: when everything fits and only the padding has to be chosen.
        MisfitError: with a table, when the tensors are those of no network.
        CheckpointError: for everything else; each in one sentence.
    """
    import torch

    if len(data) > LIMITS.checkpoint_bytes:
        raise CheckpointError(
            f"The file has {len(data) / 1e6:,.0f} MB; at most {LIMITS.checkpoint_bytes / 1e6:g} MB "
            "can be uploaded, and larger ones be used from the command line."
        )
    refuse_foreign(data)
    try:
        return read_network(
            data, padding=padding, bn_eps=bn_eps, preprocessing=preprocessing, labels=labels,
            dtype=torch.float32,
        )  # fmt: skip
    except MemoryError as error:
        raise CheckpointError("There is not enough memory for this network.") from error


def read_network(
    data: Buffer,
    *,
    padding: str | None = None,
    bn_eps: float | None = None,
    preprocessing: Preprocessing | None = None,
    labels: tuple[str, ...] | None = None,
    neighbours: Neighbours | None = None,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
) -> tuple[EfficientNet, WeightsInfo]:
    """As `read_upload`, for a safetensors file of any size; `neighbours` of one that lies on disk."""
    from effnet.weights.loaded import assemble, collect

    found = identify(read_header(data), padding=padding, bn_eps=bn_eps, neighbours=neighbours)
    info = found.info
    if preprocessing is not None:
        info = replace(info, preprocessing=preprocessing)
    if labels is not None:
        info = replace(info, labels=_one_for_each(labels, info.config.num_classes))
    tensors = collect(found.match, lambda name: read_tensor(data, found.slots[name]))
    return assemble(info, tensors, device=device, dtype=dtype), info


def identify(
    header: Header,
    *,
    layout: str | None = None,
    padding: str | None = None,
    bn_eps: float | None = None,
    neighbours: Neighbours | None = None,
) -> Found:
    """What a safetensors file holds, from its header alone.

    Args:
        layout: the layout, when the caller insists on one. neighbours: of a file on disk.

    Raises:
        CheckpointError: and its kinds, as `read_upload`.
    """
    if header.metadata.get("format") == FORMAT:
        return _our_own(header, padding, bn_eps)
    slots = {short: header.slots[name] for short, name in bare_names(header.slots).items()}
    if any(canonical(name) == KERAS.mark for name in slots):
        names = canonical_names(list(slots))
        slots = {n: slots[path] for n, path in names.items() if not is_input_layer(n)}
    match = recognise({name: slot.shape for name, slot in slots.items()}, layout)
    _check_dtypes(slots, match)
    if neighbours is None:
        says, preprocessing = "The file's metadata", None
        evidence = architecture_evidence(header.metadata.get("architecture"), match.variant, says)
        title = "an uploaded file"
    else:
        evidence = neighbours.evidence(match.variant)
        preprocessing = (
            neighbours.preprocessing(match.variant) if match.layout.name == "timm" else None
        )
        title = neighbours.path.name
    info = draft(
        match, title=title, padding=padding, bn_eps=bn_eps, evidence=evidence,
        preprocessing=preprocessing,
    )  # fmt: skip
    return Found(slots, match, info)


def _our_own(header: Header, padding: str | None, bn_eps: float | None) -> Found:
    """A file with our metadata: it says what it is, and must be exactly that."""
    info = WeightsInfo.from_metadata(dict(header.metadata))
    for given, own, what in (
        (padding, info.config.padding, "padding"), (bn_eps, info.config.bn_eps, "BN epsilon"),
    ):  # fmt: skip
        if given is not None and given != own:
            raise CheckpointError(
                f"This file says that its {what} is {own}, so it cannot be {given}."
            )
    try:
        spec = build(info.config)
    except SpecError as error:
        raise CheckpointError(f"This file describes a network that cannot be: {error}") from error
    match = fit(header.shapes, spec, OURS)
    _check_dtypes(header.slots, match)
    return Found(header.slots, match, info)


def _check_dtypes(slots: Mapping[str, Slot], match: Match) -> None:
    """Before the first value is read: every weight is a float."""
    for their in match.table.values():
        check_dtype(slots[their.name])


def _one_for_each(labels: tuple[str, ...], classes: int) -> tuple[str, ...]:
    if len(labels) != classes:
        raise CheckpointError(
            f"The list has {len(labels):,} class names and the network {classes:,} classes; give "
            "one name for each."
        )
    return labels
