"""The safetensors format, read strictly: header first, every claim checked, then one tensor a time.

A file is 8 bytes with the header's length (little-endian), the header in JSON (name to dtype, shape
and offsets, and `__metadata__`), then the values without holes or overlaps. Source: the format's
description in huggingface/safetensors, README. A stranger's file is checked completely before one
value is copied; nothing in it is ever executed.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from effnet.errors import CheckpointError, WeightsError
from effnet.limits import LIMITS

if TYPE_CHECKING:
    from torch import Tensor

    from effnet.weights.info import WeightsInfo

Shape = tuple[int, ...]
Buffer = bytes | mmap

SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8,
    "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "C64": 8, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
"""Bytes of a value, by dtype."""

WEIGHT_DTYPES = ("F64", "F32", "F16", "BF16")
"""What weights may be stored as."""

MAX_DIMENSIONS = 8


class Slot(NamedTuple):
    """Where a tensor lies: offsets are from the start of the file."""

    dtype: str
    shape: Shape
    start: int
    end: int


@dataclass(frozen=True)
class Header:
    """Names in the file's order, and the metadata."""

    slots: Mapping[str, Slot]
    metadata: Mapping[str, str]

    @property
    def shapes(self) -> dict[str, Shape]:
        return {name: slot.shape for name, slot in self.slots.items()}


class _DamageError(Exception):
    """What is wrong with a header, in a few words."""


def read_header(data: Buffer) -> Header:
    """The header of a safetensors file, completely checked; no value is read.

    Raises:
        CheckpointError: in one sentence, when it is too long or says anything impossible.
    """
    total = len(data)
    length = int.from_bytes(data[:8], "little") if total >= 8 else -1
    if length > LIMITS.checkpoint_header_bytes:
        raise CheckpointError(
            f"This is no weight file: its header would have {length:,} bytes, and "
            f"{LIMITS.checkpoint_header_bytes:,} are allowed; choose a .safetensors file."
        )
    if length < 2 or 8 + length > total:
        raise CheckpointError(
            "This is no safetensors file, or it was cut short; choose a .safetensors file."
        )
    try:
        return _parse(data[8 : 8 + length], 8 + length, total)
    except _DamageError as error:
        raise CheckpointError(
            f"This safetensors file is damaged: {error}; make or fetch it again."
        ) from error


def _parse(text: bytes, start: int, total: int) -> Header:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise _DamageError("its header is no JSON") from error
    if not isinstance(header, dict):
        raise _DamageError("its header is no JSON object")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _DamageError("its metadata is not text")
    if not all(name.isprintable() and len(name) <= LIMITS.label_chars for name in header):
        raise _DamageError("it has a tensor whose name is no name")
    slots = {name: _slot(entry, start, total) for name, entry in header.items()}
    position = start
    for slot in sorted(slots.values(), key=lambda slot: (slot.start, slot.end)):
        if slot.start != position:
            raise _DamageError("its tensors overlap or leave holes")
        position = slot.end
    if position != total:
        raise _DamageError("it is longer or shorter than its tensors")
    return Header(slots, metadata)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DamageError("its header has a name twice")
    return found


def _slot(entry: object, start: int, total: int) -> Slot:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _DamageError("its header describes a tensor wrongly")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in SIZES:
        raise _DamageError("it has values of an unknown type")
    if not _whole_numbers(shape) or len(shape) > MAX_DIMENSIONS:
        raise _DamageError("it has a tensor with an impossible shape")
    if not _whole_numbers(offsets) or len(offsets) != 2:
        raise _DamageError("it has a tensor without a place")
    size = SIZES[dtype]
    for side in shape:
        size *= side
        if size > total:
            raise _DamageError("it has a tensor larger than the file")
    if offsets[1] - offsets[0] != size or offsets[1] > total:
        raise _DamageError("a tensor's shape and place do not agree")
    return Slot(dtype, tuple(shape), start + offsets[0], start + offsets[1])


def _whole_numbers(value: object) -> bool:
    return isinstance(value, list) and all(
        type(number) is int and 0 <= number < 2**62 for number in value
    )


def check_dtype(slot: Slot) -> None:
    """Weights are floats of 16, 32 or 64 bits.

    Raises:
        CheckpointError: for any other dtype.
    """
    if slot.dtype not in WEIGHT_DTYPES:
        raise CheckpointError(
            f"This file holds weights as {slot.dtype}; they must be 16-, 32- or 64-bit floats."
        )


def read_tensor(data: Buffer, slot: Slot) -> Tensor:
    """A copy of one tensor in its stored dtype; the memory is torch's own.

    Raises:
        CheckpointError: for a dtype that weights cannot have.
    """
    import numpy as np
    import torch

    check_dtype(slot)
    kinds = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.int16}
    kind = np.dtype(kinds[slot.dtype])
    count = (slot.end - slot.start) // kind.itemsize
    values = np.frombuffer(data, kind, count, slot.start).reshape(slot.shape).copy()
    tensor = torch.from_numpy(values)
    return tensor.view(torch.bfloat16) if slot.dtype == "BF16" else tensor


@contextmanager
def opened(path: Path) -> Iterator[Buffer]:
    """The bytes of a file on disk, mapped rather than read.

    Raises:
        WeightsError: when it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            empty = os.fstat(file.fileno()).st_size == 0
            mapped = None if empty else mmap(file.fileno(), 0, access=ACCESS_READ)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from error
    if mapped is None:
        yield b""
    else:
        with mapped:
            yield mapped


def write_weights(path: Path, tensors: Mapping[str, Tensor], info: WeightsInfo) -> None:
    """A safetensors file with our names and metadata: temporary file, fsync, rename.

    Streamed to disk, since the largest network has 2 GB.

    Raises:
        WeightsError: when it cannot be written; then nothing stands under `path` that did not
            stand there before.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
        temporary = Path(name)
        save_file(dict(tensors), temporary, info.to_metadata())
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise WeightsError(
            f"{path} could not be written ({reason}); choose another place."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
