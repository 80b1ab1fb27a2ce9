"""Files that only their owner should open: `.pth`, `.pt`, `.h5`, `.weights.h5`, `.keras`.

This is the one module that may call `torch.load` or h5py (a test holds that). Two ways lead here:
`effnet.load` with a file of the catalogue, whose digest has been compared, and a path that the person
running the command or the program gave, who owns the file. An upload never comes here. Still,
PyTorch files are read with `weights_only=True`, declared sizes are compared with the file before
anything is allocated, links out of an HDF5 file are refused, and shapes are compared with the
network before values are read. What `import` writes is a safetensors file that carries what the
layout did not say.
"""

from __future__ import annotations

import argparse
import io
import pickletools
import zipfile
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from effnet.errors import CheckpointError, WeightsError
from effnet.weights.cache import digest_of
from effnet.weights.hints import Neighbours, describe_file, keras_preprocessing
from effnet.weights.info import Triple, WeightsInfo
from effnet.weights.keras_names import (
    NUMBERED,
    canonical_names,
    is_input_layer,
    names_by_number,
    split_class,
)
from effnet.weights.loaded import collect
from effnet.weights.recognise import Match, recognise
from effnet.weights.tensorfile import opened, read_header, read_tensor, write_weights
from effnet.weights.uploads import identify
from effnet.weights.wrappers import unwrap

if TYPE_CHECKING:
    import h5py

MAX_OBJECTS, MAX_DEPTH = 100_000, 16

NO_WEIGHT_FILE = "{} is no weight file that can be read here; give a .pth, .pt, .h5, .keras or .safetensors file."


def import_file(
    path: Path,
    *,
    out: Path,
    layout: str | None = None,
    padding: str | None = None,
    bn_eps: float | None = None,
) -> WeightsInfo:
    """Read a weight file of any library and write it as ours; returns what the new file says.

    Values keep their dtype, so that a float64 checkpoint stays one.

    Args:
        path: `.pth`, `.pt`, `.safetensors`, `.h5`, `.weights.h5` or `.keras`; the content decides.
        out: the safetensors file to write. Nothing is left there when anything goes wrong.
        layout: one of `layouts.LAYOUTS`, to insist on it.
        padding, bn_eps: for a layout that does not say; see `families.settle`.

    Raises:
        ChoiceNeededError, MisfitError, CheckpointError: when the file does not fit.
        WeightsError: when a file cannot be read or written.
    """
    info, tensors = read_any(path, layout=layout, padding=padding, bn_eps=bn_eps)
    write_weights(out, tensors, info)
    return info


def read_any(
    path: Path,
    *,
    layout: str | None = None,
    padding: str | None = None,
    bn_eps: float | None = None,
) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """The description and the tensors, under our names and in our axes, of a file of any library.

    Arguments as of `import_file`; nothing is written.

    Raises:
        ChoiceNeededError, MisfitError, CheckpointError: when the file does not fit.
        WeightsError: when it cannot be read.
    """
    flags = _Flags(layout, padding, bn_eps)
    try:
        with path.open("rb") as file:
            head = file.read(16)
            if head[3:9] == b"\0\0\0\0\0{":
                return _read_safetensors(path, flags)
            if head.startswith(b"\x89HDF\r\n\x1a\n"):
                return _read_hdf5(path, path, flags)
            if head.startswith(b"PK\x03\x04"):
                return _read_zip(path, file, flags)
            if head.startswith(b"\x80"):
                return _read_old_torch(path, file, flags)
            raise CheckpointError(NO_WEIGHT_FILE.format(path.name))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}).") from error
    except MemoryError as error:
        raise CheckpointError(f"There is not enough memory for {path.name}.") from error


class _Flags(NamedTuple):
    layout: str | None
    padding: str | None
    bn_eps: float | None


def _describe(path: Path, match: Match, flags: _Flags, **hints: Any) -> WeightsInfo:
    digest = digest_of(path)
    return describe_file(path, match, digest, padding=flags.padding, bn_eps=flags.bn_eps, **hints)


def _read_safetensors(path: Path, flags: _Flags) -> tuple[WeightsInfo, dict[str, Tensor]]:
    with opened(path) as data:
        header = read_header(data)
        neighbours = Neighbours(path, header.metadata.get("architecture"))
        found = identify(
            header, layout=flags.layout, padding=flags.padding, bn_eps=flags.bn_eps,
            neighbours=neighbours,
        )  # fmt: skip
        tensors = collect(found.match, lambda name: read_tensor(data, found.slots[name]))
    info = found.info if found.info.digest else replace(found.info, digest=digest_of(path))
    return info, tensors


# --- PyTorch ----------------------------------------------------------------------------------


def _read_zip(path: Path, file: IO[bytes], flags: _Flags) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """A zip archive: PyTorch since 1.6, or Keras 3."""
    try:
        keras, pickled = _unzip(path, file)
    except CheckpointError:
        raise
    except Exception as error:  # zipfile raises seven types for damaged archives
        raise CheckpointError(f"{path.name} is damaged; fetch or save it again.") from error
    if keras is not None:
        return _read_hdf5(path, io.BytesIO(keras), flags)
    _check_storages(pickled, path, pickles=1)
    return _read_torch(path, file, flags)


def _unzip(path: Path, file: IO[bytes]) -> tuple[bytes | None, bytes]:
    """Keras' HDF5 file or None, and PyTorch's pickle or nothing, out of an archive."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        if not stored or len(set(names)) != len(names):
            raise CheckpointError(
                f"{path.name} is a zip archive with compressed or repeated members, which no "
                "library writes for weights; save the weights again."
            )
        if "model.weights.h5" in names:
            return archive.read("model.weights.h5"), b""
        pickled = [name for name in names if name.endswith("/data.pkl")]
        if len(pickled) != 1 or len(members) > MAX_OBJECTS:
            raise CheckpointError(
                f"{path.name} is a zip archive, but neither a PyTorch nor a Keras file; give the "
                "weight file itself."
            )
        return None, archive.read(pickled[0])


def _read_old_torch(
    path: Path, file: IO[bytes], flags: _Flags
) -> tuple[WeightsInfo, dict[str, Tensor]]:
    """PyTorch before 1.6: five pickles one after the other, then the values."""
    file.seek(0)
    _check_storages(file.read(), path, pickles=5)
    return _read_torch(path, file, flags)


def _read_torch(
    path: Path, file: IO[bytes], flags: _Flags
) -> tuple[WeightsInfo, dict[str, Tensor]]:
    file.seek(0)
    loaded = _unpickle(path, file)
    tensors, architecture, averaged = unwrap(loaded, path.name)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    match = recognise(shapes, flags.layout)
    info = _describe(path, match, flags, architecture=architecture)
    if averaged:
        info = replace(info, source=f"{info.source}; the averaged weights, {averaged}")
    return info, collect(match, tensors.__getitem__)


def _check_storages(pickled: bytes, path: Path, *, pickles: int) -> None:
    """Refuse storages that claim to be larger than the file, before any is allocated.

    `torch.save` pushes a storage as a tuple that ends with its count of values (and, before 1.6,
    None), followed by the opcode BINPERSID. Nothing is executed to see that.
    """
    size = path.stat().st_size
    stream = io.BytesIO(pickled)
    recent: deque[tuple[str, object]] = deque(maxlen=3)
    try:
        for _ in range(pickles):
            for opcode, argument, _position in pickletools.genops(stream):
                if opcode.name == "BINPERSID":
                    count = _last_of_tuple(list(recent))
                    if not isinstance(count, int) or not 0 <= count <= size:
                        raise _TooLargeError
                if "PUT" not in opcode.name and opcode.name != "MEMOIZE":
                    recent.append((opcode.name, argument))
            if pickled[stream.tell() : stream.tell() + 1] != b"\x80":
                break
    except _TooLargeError:
        raise CheckpointError(
            f"{path.name} claims to hold more values than the file has bytes; it is damaged or "
            "made to do harm."
        ) from None
    except Exception as error:  # pickletools raises whatever a damaged stream leads it to
        raise CheckpointError(NO_WEIGHT_FILE.format(path.name)) from error


class _TooLargeError(Exception):
    """A storage larger than its file."""


def _last_of_tuple(recent: list[tuple[str, object]]) -> object:
    """The last value of the tuple that was just closed, leaving out a None."""
    if len(recent) < 3 or not recent[2][0].startswith("TUPLE"):
        return None
    return recent[0][1] if recent[1][0] == "NONE" else recent[1][1]


def _unpickle(path: Path, file: IO[bytes]) -> object:
    """`torch.load`, restricted to tensors and plain containers."""
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # timm keeps its arguments so
            return torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # nine types were seen for damaged files
        if "weights_only" in str(error).lower():
            raise CheckpointError(
                f"{path.name} holds Python objects beside tensors, which are never executed here; "
                "in the program that made it, save only model.state_dict() with torch.save."
            ) from error
        raise CheckpointError(
            f"{path.name} is damaged or no PyTorch file ({type(error).__name__}); save it again."
        ) from error


# --- Keras ------------------------------------------------------------------------------------


def _read_hdf5(
    path: Path, file: Path | IO[bytes], flags: _Flags
) -> tuple[WeightsInfo, dict[str, Tensor]]:
    try:
        import h5py
    except ImportError as error:
        raise CheckpointError(
            f"Reading {path.name} needs h5py; run `pip install h5py` and try again."
        ) from error
    try:
        with h5py.File(file, "r") as opened_file:
            return _from_hdf5(path, opened_file, flags)
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path.name} is damaged; save or fetch it again.") from error


def _from_hdf5(path: Path, file: h5py.File, flags: _Flags) -> tuple[WeightsInfo, dict[str, Tensor]]:
    contents = _Contents(file, path)
    names = contents.names()
    datasets = {n: contents.datasets[p] for n, p in names.items() if not is_input_layer(n)}
    match = recognise({n: tuple(d.shape) for n, d in datasets.items()}, flags.layout or "keras")

    scaling = {n.split("/")[1]: contents.datasets[p] for n, p in names.items() if is_input_layer(n)}
    mean, variance = (_three(scaling.get(key)) for key in ("mean", "variance"))
    preprocessing = None
    if mean is not None and variance is not None:
        tf_keras = any(where.endswith(":0") for where in contents.datasets)
        preprocessing = keras_preprocessing(
            match.spec.resolution, mean, variance, rescalings=contents.rescalings, tf_keras=tf_keras
        )
    return _describe(path, match, flags, preprocessing=preprocessing), collect(
        match, lambda name: _values(datasets[name])
    )


def _three(dataset: h5py.Dataset | None) -> Triple | None:
    """One number a colour."""
    if dataset is None or dataset.size != 3:
        return None
    a, b, c = _values(dataset).double().flatten().tolist()
    return a, b, c


def _values(dataset: h5py.Dataset) -> Tensor:
    """A dataset as a tensor. Keras writes bfloat16, which HDF5 does not know, as two opaque bytes."""
    values = dataset[()]
    if values.dtype.kind == "V" and values.dtype.itemsize == 2:
        return torch.from_numpy(values.view("i2").copy()).view(torch.bfloat16)
    return torch.from_numpy(values.astype(values.dtype.newbyteorder("=")))


class _Contents:
    """The datasets of a Keras file by path, found without following any link out of it."""

    def __init__(self, file: h5py.File, path: Path) -> None:
        import h5py

        self.path = path
        self.datasets: dict[str, Any] = {}
        self.layer_names: dict[str, str] = {}  # path of a `vars` group to its layer's name
        self.rescalings = 0
        waiting: list[tuple[str, Any, int]] = [("", file, 0)]
        seen = 0
        while waiting:
            prefix, group, depth = waiting.pop()
            for key in group:
                seen += 1
                where = f"{prefix}/{key}".lstrip("/")
                if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                    raise CheckpointError(
                        f"{path.name} has a link to another place ({where:.80}), which is never "
                        "followed; save the weights again with Keras."
                    )
                item = group[key]
                if seen > MAX_OBJECTS or depth > MAX_DEPTH:
                    raise CheckpointError(f"{path.name} is nested too deeply for a weight file.")
                if isinstance(item, h5py.Dataset):
                    self._add(where, item)
                elif not key.startswith("optimizer"):
                    self.rescalings += depth <= 1 and key.split("_")[0] == "rescaling"
                    self._note_name(where, item)
                    waiting.append((where, item, depth + 1))

    def _add(self, where: str, item: h5py.Dataset) -> None:
        if item.is_virtual or item.external:
            raise CheckpointError(
                f"{self.path.name} keeps values in other files, which are never opened; save the "
                "weights again with Keras."
            )
        self.datasets[where] = item

    def _note_name(self, where: str, group: h5py.Group) -> None:
        """Keras 3 writes the layer's name as an attribute of its `vars` group."""
        if where.endswith("/vars") and "name" in group.attrs:
            stored = group.attrs.get_id("name").get_storage_size()
            name = group.attrs["name"] if stored <= 1024 else ""
            if isinstance(name, str) and name:
                self.layer_names[where] = name

    def names(self) -> dict[str, str]:
        """Path by `layer/variable`."""
        numbered = [p for p in self.datasets if p.count("/") >= 2 and p.split("/")[-2] == "vars"]
        if not numbered:
            return canonical_names(list(self.datasets))
        found: dict[str, str] = {}
        for where in numbered:
            group, _, index = where.rpartition("/")
            variables = NUMBERED.get(split_class(group.split("/")[-2])[0], ())
            layer = self.layer_names.get(group)
            if layer is None:
                shapes = {p: tuple(self.datasets[p].shape) for p in numbered}
                return names_by_number(shapes)
            if index.isdecimal() and int(index) < len(variables):
                found[f"{layer}/{variables[int(index)]}"] = where
        return found
