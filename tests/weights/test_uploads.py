"""A stranger's safetensors file: ours, or any library's names; every refusal names a way on."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save

from effnet.errors import CheckpointError
from effnet.limits import LIMITS
from effnet.network.model import EfficientNet
from effnet.weights.families import ChoiceNeededError
from effnet.weights.info import Preprocessing, WeightsInfo
from effnet.weights.labels import labels_of
from effnet.weights.layouts import LAYOUTS, OURS, Layout, rename
from effnet.weights.recognise import MisfitError
from effnet.weights.uploads import read_upload
from tests.nets import net
from tests.weights.conditioned import picture


def tensors_in(layout: Layout, model: EfficientNet) -> dict[str, torch.Tensor]:
    """The model's weights under another library's names and axes."""
    state, found = model.state_dict(), {}
    for ours, their in rename(layout, model.spec).items():
        tensor = state[ours]
        if their.axes is not None:
            tensor = tensor.permute([their.axes.index(axis) for axis in range(tensor.ndim)])
        found[their.name] = tensor.contiguous()
    return found


def info_of(model: EfficientNet, **changes: object) -> WeightsInfo:
    info = WeightsInfo(
        name="mine", title="Mine", config=model.spec.config,
        preprocessing=Preprocessing(size=32, crop=0.9, interpolation="bilinear"),
    )  # fmt: skip
    return replace(info, **changes)  # type: ignore[arg-type]


def same_answer(a: EfficientNet, b: EfficientNet) -> bool:
    x = picture(40, 3)
    with torch.inference_mode():
        return torch.equal(a(x), b(x))


def test_our_own_file_needs_nothing_else() -> None:
    model = net("tiny", padding="symmetric", bn_eps=1e-5, se_reduce_from="expanded", num_classes=6)
    names = tuple("abcdef")
    info = info_of(model, labels=names)
    read, said = read_upload(save(tensors_in(OURS, model), info.to_metadata()))
    assert said == info
    assert read.info == info
    assert labels_of(said) == names
    assert not read.training
    assert same_answer(read, model)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))
def test_other_libraries_names_give_the_same_network(layout: Layout) -> None:
    model = net("tiny", padding="symmetric", bn_eps=1e-5, num_classes=3)
    wanted = {"padding": "symmetric", "bn_eps": 1e-5}
    if layout.name in ("keras", "lukemelas"):
        model, wanted = net("tiny", num_classes=3), {}
    read, info = read_upload(save(tensors_in(layout, model)), **wanted)
    assert info.config.padding == model.spec.config.padding
    assert info.config.bn_eps == model.spec.config.bn_eps
    assert info.config.num_classes == 3
    assert same_answer(read, model)


def test_timm_names_ask_for_the_padding_and_nothing_else() -> None:
    data = save(tensors_in(LAYOUTS["timm"], net("tiny")))
    with pytest.raises(ChoiceNeededError) as caught:
        read_upload(data)
    for family in caught.value.choices:
        _, info = read_upload(data, padding=family.padding, bn_eps=family.bn_eps)
        assert (info.config.padding, info.config.bn_eps) == (family.padding, family.bn_eps)
    told = save(tensors_in(LAYOUTS["timm"], net("b0")), {"architecture": "tf_efficientnet_b0"})
    assert read_upload(told)[1].config.padding == "same"
    with pytest.raises(CheckpointError, match="metadata says that these are tf_"):
        read_upload(told, padding="symmetric")


def test_a_file_that_speaks_for_itself_cannot_be_contradicted() -> None:
    model = net("tiny")
    data = save(tensors_in(OURS, model), info_of(model).to_metadata())
    with pytest.raises(CheckpointError, match="padding is same, so it cannot be symmetric"):
        read_upload(data, padding="symmetric")
    read_upload(data, padding="same", bn_eps=1e-3)


def test_preprocessing_and_class_names_can_be_given() -> None:
    how = Preprocessing(size=48, grey=True)
    data = save(tensors_in(LAYOUTS["lukemelas"], net("tiny", num_classes=3)))
    _, info = read_upload(data, preprocessing=how, labels=("a", "b", "b"))
    assert info.preprocessing == how
    assert labels_of(info) == ("a", "b (1)", "b (2)")
    with pytest.raises(CheckpointError, match="2 class names and the network 3 classes"):
        read_upload(data, labels=("a", "b"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_every_float_is_read_as_float32(dtype: torch.dtype) -> None:
    model = net("tiny")
    state = {k: v.to(dtype) for k, v in tensors_in(OURS, model).items()}
    read, _ = read_upload(save(state, info_of(model).to_metadata()))
    assert all(p.dtype == torch.float32 for p in read.parameters())
    assert torch.equal(read.head.conv.weight, state["head.conv.weight"].float())


def test_the_mini_networks_half_precision_file_without_counters() -> None:
    """What `python -m effnet.training` writes."""
    model = net("tiny")
    half = {
        k: v.half().contiguous() for k, v in model.state_dict().items() if v.is_floating_point()
    }
    read, _ = read_upload(save(half, info_of(model).to_metadata()))
    assert int(read.stem.norm.num_batches_tracked) == 0
    assert not any(t.is_meta for t in read.state_dict().values())


# --- refusals ---------------------------------------------------------------------------------


def foreign_files() -> dict[str, bytes]:
    """Real files of the kinds that people try."""
    model, new, old = net("tiny"), io.BytesIO(), io.BytesIO()
    torch.save(model.state_dict(), new)
    torch.save(model.state_dict(), old, _use_new_zipfile_serialization=False)
    hdf, keras = io.BytesIO(), io.BytesIO()
    with h5py.File(hdf, "w") as file:
        file["x"] = np.zeros(3)
    with zipfile.ZipFile(keras, "w") as archive:
        archive.writestr("model.weights.h5", hdf.getvalue())
    return {
        ".pth": new.getvalue(), "old .pt": old.getvalue(), ".h5": hdf.getvalue(),
        ".keras": keras.getvalue(),
    }  # fmt: skip


def test_other_kinds_get_a_sentence_that_names_the_command() -> None:
    for name, data in foreign_files().items():
        with pytest.raises(
            CheckpointError, match=r"python -m effnet weights import FILE"
        ) as caught:
            read_upload(data)
        assert name.split(".")[1] in str(caught.value)
    for data in (b"hello", b"", b"cposix\nsystem\n"):
        with pytest.raises(CheckpointError, match=r"python -m effnet weights import FILE"):
            read_upload(data)


def test_too_large_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("effnet.weights.uploads.LIMITS", replace(LIMITS, checkpoint_bytes=1000))
    with pytest.raises(CheckpointError, match="can be uploaded"):
        read_upload(bytes(1001))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_values_must_be_finite(value: float) -> None:
    model = net("tiny")
    for name in ("blocks.5_1.se.expand.bias", "head.norm.running_mean"):
        state = tensors_in(OURS, model)
        state[name] = state[name].clone()
        state[name][3] = value
        with pytest.raises(CheckpointError, match="infinite or not a number"):
            read_upload(save(state, info_of(model).to_metadata()))


def test_variances_are_not_negative_and_float64_must_fit() -> None:
    model = net("tiny")
    state = tensors_in(OURS, model)
    state["stem.norm.running_var"] = -state["stem.norm.running_var"]
    with pytest.raises(CheckpointError, match="variance and has negative values"):
        read_upload(save(state, info_of(model).to_metadata()))
    state = {k: v.double() for k, v in tensors_in(OURS, model).items()}
    state["classifier.bias"][0] = 1e300
    with pytest.raises(CheckpointError, match="too large"):
        read_upload(save(state, info_of(model).to_metadata()))


def test_wrong_kinds_of_values() -> None:
    model = net("tiny")
    for dtype in (torch.int64, torch.complex64, torch.uint8):
        state = tensors_in(OURS, model)
        state["stem.conv.weight"] = state["stem.conv.weight"].to(dtype)
        with pytest.raises(CheckpointError, match="64-bit floats"):
            read_upload(save(state, info_of(model).to_metadata()))


def test_the_shapes_are_those_of_the_metadata_not_of_any_network() -> None:
    model = net("tiny")
    for lie in (
        {"num_classes": 11},
        {"width": 1.0},
        {"depth": 1.0},
        {"se_reduce_from": "expanded"},
    ):
        config = replace(model.spec.config, **lie)  # type: ignore[arg-type]
        data = save(tensors_in(OURS, model), info_of(model, config=config).to_metadata())
        with pytest.raises(MisfitError) as caught:
            read_upload(data)
        assert caught.value.report.rows


HOSTILE = {
    "config": ['{"name": "b0", "in_channels": 1.0}', "[]", "{}", '{"name": "b0", "lite": "yes"}',
               '{"name": "b0", "width": 1e999}', '{"name": "b0", "depth": %s}' % ("9" * 400),
               '{"name": "b0", "phi": {"a": 1}}', '{"name": "\\ud800"}', '{"name": "b0", "depth": 900}',
               '{"name": "b0", "resolution": true}', "[" * 5000, '{"name": "b0", "extra": 1}',
               '{"name": "b0", "num_classes": 99999999999}'],
    "preprocessing": ["[]", "5", '{"size": -1}', '{"size": 224, "mean": 5}', '{"size": 1e400}',
                      '{"size": 224, "std": [0, 1, 1]}', '{"size": 224, "crop": "x"}'],
    "about": ["[]", "null", "7", "{"],
    "labels": ["{", ""],
    "format": ["effnet/2", ""],
}  # fmt: skip


def test_hostile_metadata_is_a_sentence() -> None:
    model = net("tiny")
    tensors, good = tensors_in(OURS, model), info_of(model).to_metadata()
    count = 0
    for key, values in HOSTILE.items():
        for value in values:
            with pytest.raises(CheckpointError):
                read_upload(save(tensors, {**good, key: value}))
            count += 1
        missing = {k: v for k, v in good.items() if k != key}
        with pytest.raises(CheckpointError):
            read_upload(save(tensors, missing))
    print(f"{count} hostile descriptions, all refused")


def test_texts_of_a_stranger_are_plain_and_short() -> None:
    model = net("tiny")
    metadata = info_of(model, title="a\nb\x00" + "c" * 5000).to_metadata()
    metadata["labels"] = json.dumps(["x\x1b[31m" + "y" * 999] * 10)
    _, info = read_upload(save(tensors_in(OURS, model), metadata))
    assert len(info.title) == 2000
    assert info.title.startswith("a b c")
    assert all(name.isprintable() and len(name) <= 200 for name in info.labels)


def test_no_upload_is_written_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    model = net("tiny")
    read_upload(save(tensors_in(OURS, model), info_of(model).to_metadata()))
    assert not list(tmp_path.iterdir())
