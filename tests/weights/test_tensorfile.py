"""Our strict reader agrees with the safetensors library on good files."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save, save_file

from effnet import spec_for
from effnet.errors import CheckpointError, WeightsError
from effnet.weights.info import Preprocessing, WeightsInfo
from effnet.weights.tensorfile import opened, read_header, read_tensor, write_weights


def tensors() -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    return {
        "a.weight": torch.randn(3, 4, 5, generator=g),
        "b.half": torch.randn(7, generator=g).half(),
        "c.brain": torch.randn(2, 2, generator=g).bfloat16(),
        "d.double": torch.randn(1, generator=g).double(),
        "e.scalar": torch.tensor(2.5),
        "f.empty": torch.zeros(0, 3),
    }


def test_reads_what_the_library_writes_and_reads(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file(tensors(), path, {"hello": "world"})
    theirs = load_file(path)
    data = path.read_bytes()
    header = read_header(data)
    assert header.metadata == {"hello": "world"}
    assert set(header.slots) == set(theirs)
    with opened(path) as mapped:
        for name, slot in header.slots.items():
            for source in (data, mapped):
                tensor = read_tensor(source, slot)
                assert tensor.dtype == theirs[name].dtype
                assert torch.equal(tensor, theirs[name])


def test_integers_are_listed_but_never_weights() -> None:
    data = save({"n": torch.arange(3), "z": torch.zeros(2, dtype=torch.complex64)})
    header = read_header(data)
    assert header.shapes == {"n": (3,), "z": (2,)}
    for name in header.slots:
        with pytest.raises(CheckpointError, match="64-bit floats"):
            read_tensor(data, header.slots[name])


def test_memory_is_torchs_own() -> None:
    data = bytearray(save({"a": torch.ones(4)}))
    tensor = read_tensor(bytes(data), read_header(bytes(data)).slots["a"])
    tensor.add_(1)
    assert tensor.tolist() == [2, 2, 2, 2]


def info() -> WeightsInfo:
    config = spec_for("tiny").config
    return WeightsInfo(name="t", title="T", config=config, preprocessing=Preprocessing(size=32))


def test_writing_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.safetensors"
    write_weights(path, {"a": torch.ones(2)}, info())
    before = path.read_bytes()
    assert WeightsInfo.from_metadata(dict(read_header(before).metadata)) == info()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WeightsError, match="No space left"):
        write_weights(path, {"a": torch.zeros(2)}, info())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["out.safetensors"]
    with pytest.raises(WeightsError, match="could not be written"):
        write_weights(tmp_path / "nowhere" / "x.safetensors", {"a": torch.ones(2)}, info())


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"), opened(tmp_path / "no"):
        pass
    (tmp_path / "empty").touch()
    with opened(tmp_path / "empty") as data, pytest.raises(CheckpointError, match="no safetensors"):
        read_header(data)
