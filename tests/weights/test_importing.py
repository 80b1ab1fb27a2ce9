"""`weights import`: PyTorch files of every kind and wrapping, and what their neighbours say."""

from __future__ import annotations

import argparse
import io
import json
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch
from safetensors.torch import save_file

import effnet
from effnet import spec_for
from effnet.errors import CheckpointError, WeightsError
from effnet.network.model import EfficientNet
from effnet.weights.families import ChoiceNeededError
from effnet.weights.hints import describe_file, usual_preprocessing
from effnet.weights.importing import import_file, read_any
from effnet.weights.layouts import (
    COUNTER,
    LAYOUTS,
    OURS,
    Layout,
    Shape,
    Their,
    rename,
    shapes_of,
)
from effnet.weights.recognise import MisfitError, recognise
from tests.nets import net
from tests.weights.conditioned import picture
from tests.weights.test_uploads import info_of, tensors_in

TORCHVISION, TIMM, LUKEMELAS = (LAYOUTS[n] for n in ("torchvision", "timm", "lukemelas"))


def saved(path: Path, thing: object, **settings: object) -> Path:
    torch.save(thing, path, **settings)  # type: ignore[arg-type]
    return path


def loaded(path: Path, out: Path, **flags: object) -> EfficientNet:
    import_file(path, out=out, **flags)  # type: ignore[arg-type]
    return effnet.load(None, out)


def same_answer(a: EfficientNet, b: EfficientNet) -> bool:
    x = picture(40, 3)
    with torch.inference_mode():
        return torch.equal(a(x), b(x))


@pytest.mark.parametrize("variant", ["b0", "b4", "b5", "b7"])
def test_torchvision_is_symmetric_with_its_epsilon(variant: str, tmp_path: Path) -> None:
    spec = spec_for(variant)
    state = {n: torch.zeros(()).expand(their.their_shape(s)) for (n, their), s in _rows(spec)}
    path = saved(tmp_path / "tv.pth", {n: t.clone() for n, t in state.items()})
    info, _ = read_any(path)
    eps, momentum = (1e-5, 0.1) if variant in ("b0", "b4") else (1e-3, 0.01)
    assert (info.config.padding, info.config.bn_eps, info.config.bn_momentum) == (
        "symmetric", eps, momentum,
    )  # fmt: skip
    with pytest.raises(CheckpointError, match=r"torchvision.* weights need symmetric padding"):
        read_any(path, padding="same")


def _rows(spec: effnet.architecture.spec.Spec) -> list:  # type: ignore[name-defined, type-arg]
    from effnet.weights.layouts import rename, shapes_of

    table = rename(TORCHVISION, spec)
    return [((their.name, their), shapes_of(spec)[ours]) for ours, their in table.items()]


def test_torchvision_round_trip_gives_bit_equal_answers(tmp_path: Path) -> None:
    model = net("b0", padding="symmetric", bn_eps=1e-5, num_classes=5)
    ours = loaded(
        saved(tmp_path / "a.pth", tensors_in(TORCHVISION, model)), tmp_path / "o.safetensors"
    )
    assert same_answer(ours, model)
    assert ours.info.preprocessing.size == 224
    assert ours.info.labels == ""


# --- timm: who decides ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def timm_b0() -> dict[str, torch.Tensor]:
    return tensors_in(TIMM, net("b0", num_classes=4))


@pytest.mark.parametrize(
    ("name", "padding"),
    [
        ("tf_efficientnet_b0_ns-c0e6a31c.pth", "same"),
        ("efficientnet_b0_ra-3dd342df.pth", "symmetric"),
        ("tf_efficientnet_b0.aa_in1k/model.safetensors", "same"),
        ("efficientnet_b0.ra4_e3600_r224_in1k/model.safetensors", "symmetric"),
        ("models--timm--tf_efficientnet_b0.in1k/snapshots/0af1/model.safetensors", "same"),
        ("model.safetensors", None),
        ("best.pth", None),
        ("efficientnet_b3.pth", None),
        ("efficientnet_b0_tf.pth", None),
    ],
)
def test_the_name_of_a_timm_file(
    name: str, padding: str | None, timm_b0: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path, out = tmp_path / name, tmp_path / "o.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith("pth"):
        torch.save(timm_b0, path)
    else:
        save_file(timm_b0, path)
    if padding is None:
        with pytest.raises(ChoiceNeededError, match="--padding"):
            import_file(path, out=out)
        assert not out.exists()
        for flag, eps in (("same", 1e-3), ("symmetric", 1e-5)):
            info = import_file(path, out=out, padding=flag)
            assert (info.config.padding, info.config.bn_eps) == (flag, eps)
        return
    info = import_file(path, out=out)
    assert info.config.padding == padding
    if padding == "same":
        with pytest.raises(CheckpointError, match="tf_"):
            import_file(path, out=out, padding="symmetric")
    else:
        assert import_file(path, out=out, padding="same").config.padding == "same"


def test_config_json_beside_a_timm_file_decides_and_knows_the_preprocessing(
    timm_b0: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    save_file(timm_b0, path)
    settings = {
        "input_size": [3, 224, 224], "test_input_size": [3, 256, 256], "crop_pct": 0.9,
        "test_crop_pct": 1.0, "interpolation": "bicubic", "mean": [0.5] * 3, "std": [0.5] * 3,
    }  # fmt: skip
    for architecture, padding in (("tf_efficientnet_b0", "same"), ("efficientnet_b0", "symmetric")):
        (tmp_path / "config.json").write_text(
            json.dumps({"architecture": architecture, "pretrained_cfg": settings})
        )
        info, _ = read_any(path)
        assert info.config.padding == padding
        assert (info.preprocessing.size, info.preprocessing.crop) == (256, 1.0)
        assert (info.preprocessing.mean, info.preprocessing.std) == ((0.5,) * 3, (0.5,) * 3)
        assert info.config.resolution == 256
    for nonsense in ("[]", "{", '{"architecture": 5, "pretrained_cfg": 7}', "[" * 9999):
        (tmp_path / "config.json").write_text(nonsense)
        with pytest.raises(ChoiceNeededError):
            read_any(path)


def test_a_tag_in_the_name_brings_its_preprocessing(
    timm_b0: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = saved(tmp_path / "tf_efficientnet_b0.ap_in1k.pth", timm_b0)
    info, _ = read_any(path)
    assert info.preprocessing.mean == (0.5, 0.5, 0.5)  # AdvProp


def test_metadata_can_name_the_architecture(
    timm_b0: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / "x.safetensors"
    save_file(timm_b0, path, {"architecture": "tf_efficientnet_b0"})
    assert read_any(path)[0].config.padding == "same"


def test_timms_training_script_notes_the_architecture(
    timm_b0: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    for architecture, padding in (("tf_efficientnet_b0", "same"), ("efficientnet_b0", "symmetric")):
        path = saved(tmp_path / "last.pth", {"arch": architecture, "state_dict": timm_b0})
        assert read_any(path)[0].config.padding == padding
    path = saved(tmp_path / "last.pth", {"arch": 5, "state_dict": timm_b0})
    with pytest.raises(ChoiceNeededError):
        read_any(path)


def test_variants_of_which_only_tf_weights_are_published(tmp_path: Path) -> None:
    """`efficientnet_lite2` may be a shortened `tf_efficientnet_lite2`: the person is asked."""
    state = tensors_in(TIMM, net("lite2", num_classes=2))
    for name in ("w.pth", "efficientnet_lite2.pth"):
        with pytest.raises(ChoiceNeededError):
            read_any(saved(tmp_path / name, state))
    path = saved(tmp_path / "tf_efficientnet_lite2.pth", state)
    assert read_any(path)[0].config.padding == "same"
    path = saved(tmp_path / "w.pth", {"arch": "efficientnet_lite2", "state_dict": state})
    assert read_any(path)[0].config.padding == "symmetric"


# --- published files are known by their sha256 -------------------------------------------------


@pytest.mark.parametrize(
    ("digest", "layout", "padding", "mean"),
    [
        ("827b6e33", TIMM, "same", 0.485),  # tf_efficientnet_b0_aa, AutoAugment
        ("f262efe1", TIMM, "same", 0.5),  # tf_efficientnet_b0_ap, AdvProp
        ("3dd342df", TIMM, "symmetric", 0.485),  # efficientnet_b0_ra
        ("355c32eb", LUKEMELAS, "same", 0.485),  # efficientnet-b0
        ("b64d5a18", LUKEMELAS, "same", 0.5),  # adv-efficientnet-b0
        ("7f5810bc", TORCHVISION, "symmetric", 0.485),  # efficientnet_b0_rwightman
    ],
)
def test_a_published_file_is_known_under_any_name(
    digest: str, layout: Layout, padding: str, mean: float, tmp_path: Path
) -> None:
    """The beginnings of the digests stand in the files' published names."""
    wrong = "symmetric" if padding == "same" else "same"
    match = recognise({t.name: t.their_shape(s) for t, s in _table(layout, 1000)})
    path, digest = tmp_path / "model.pth", digest.ljust(64, "0")
    info = describe_file(path, match, digest)
    assert (info.config.padding, info.preprocessing.mean[0]) == (padding, mean)
    assert info.recipe
    assert info.license
    assert info.digest == digest
    with pytest.raises(CheckpointError, match=f"need {padding} padding"):
        describe_file(path, match, digest, padding=wrong)


def _table(layout: Layout, classes: int) -> list[tuple[Their, Shape]]:
    spec = spec_for("b0", num_classes=classes)
    shapes = shapes_of(spec)
    return [(their, shapes[ours]) for ours, their in rename(layout, spec).items()]


@pytest.mark.parametrize(
    ("variant", "padding", "size", "mean"),
    [
        ("b2", "symmetric", 288, 0.485), ("b2", "same", 260, 0.485), ("lite0", "symmetric", 224, 0.485),
        ("lite0", "same", 224, 0.5), ("lite4", "same", 380, 0.5), ("b5", "symmetric", 448, 0.485),
    ],
)  # fmt: skip
def test_timm_weights_without_a_tag_are_fed_as_timm_feeds_that_network(
    variant: str, padding: str, size: int, mean: float
) -> None:
    how = usual_preprocessing(replace(spec_for(variant).config, padding=padding), "timm")
    assert (how.size, how.mean[0]) == (size, mean)


# --- wrappings --------------------------------------------------------------------------------


def test_what_training_scripts_wrap_around_a_state_dict(tmp_path: Path) -> None:
    model = net("tiny")
    bare = tensors_in(LUKEMELAS, model)
    counted = bare | {"_bn0.num_batches_tracked": torch.tensor(7)}
    other = {k: torch.zeros_like(v) for k, v in bare.items()}
    wrapped = {
        "bare": bare,
        "ordered": OrderedDict(bare),
        "counters": counted,
        "state_dict": {"state_dict": bare, "epoch": 3, "best": 0.5},
        "model": {"model": bare, "optimizer": {"state": {}}},
        "model_state_dict": {"model_state_dict": bare, "time": 1_700_000_000},
        "data parallel": {f"module.{k}": v for k, v in bare.items()},
        "compiled": {f"_orig_mod.module.{k}": v for k, v in bare.items()},
        "lightning": {"state_dict": {f"model.{k}": v for k, v in bare.items()}},
        "averaged first": {"state_dict": other, "state_dict_ema": bare},
        "swa": {"n_averaged": torch.tensor(5)} | {f"module.{k}": v for k, v in bare.items()},
        "timm training": {"state_dict": bare, "args": argparse.Namespace(model="x", seed=42)},
        "nested": {"model": {"state_dict": bare}},
        "torchvision training": {
            "model": other,
            "model_ema": {"n_averaged": torch.tensor(5)}
            | {f"module.{k}": v for k, v in bare.items()},
            "epoch": 3,
        },
        "somebody's own module": {f"encoder.efficientnet.{k}": v for k, v in bare.items()},
        "parameters": {k: torch.nn.Parameter(v) for k, v in bare.items()},
    }
    for number, (what, thing) in enumerate(wrapped.items()):
        path = saved(tmp_path / f"{number}.pth", thing)
        assert same_answer(loaded(path, tmp_path / "o.safetensors"), model), what
        averaged = "averaged weights" in effnet.load(None, tmp_path / "o.safetensors").info.source
        assert averaged is (what in ("averaged first", "torchvision training"))
    print(f"{len(wrapped)} wrappings read")
    for prefix in ("module.", "_orig_mod.", "encoder.efficientnet."):
        path = tmp_path / "w.safetensors"
        save_file({f"{prefix}{k}": v for k, v in counted.items()}, path)
        assert same_answer(loaded(path, tmp_path / "o.safetensors"), model), prefix


def test_old_and_new_serialisation_and_our_own_bare_state_dict(tmp_path: Path) -> None:
    model = net("tiny")
    old = saved(
        tmp_path / "old.pth", tensors_in(LUKEMELAS, model), _use_new_zipfile_serialization=False
    )
    assert old.read_bytes()[:1] == b"\x80"
    assert same_answer(loaded(old, tmp_path / "o.safetensors"), model)
    own = saved(tmp_path / "own.pth", model.state_dict())
    assert sum(COUNTER in k for k in model.state_dict()) > 9
    with pytest.raises(ChoiceNeededError):
        import_file(own, out=tmp_path / "o.safetensors")
    ours = loaded(own, tmp_path / "o.safetensors", padding="same", bn_eps=1e-3)
    assert same_answer(ours, model)


def test_importing_our_own_file_keeps_what_it_says(tmp_path: Path) -> None:
    model = net("tiny", num_classes=2)
    info = info_of(model, labels=("cat", "dog"))
    save_file(tensors_in(OURS, model), tmp_path / "a.safetensors", info.to_metadata())
    again = import_file(tmp_path / "a.safetensors", out=tmp_path / "b.safetensors")
    assert again.labels == ("cat", "dog")
    assert len(again.digest) == 64
    assert same_answer(effnet.load("tiny", tmp_path / "b.safetensors"), model)


# --- refusals ---------------------------------------------------------------------------------


def refused(path: Path, match: str) -> None:
    out = path.with_name("refused.safetensors")
    with pytest.raises(CheckpointError, match=match) as caught:
        import_file(path, out=out)
    assert not out.exists()
    assert "\n" not in str(caught.value)


def test_a_whole_pickled_model_is_never_executed(tmp_path: Path) -> None:
    refused(saved(tmp_path / "model.pth", net("tiny")), "never executed here.*state_dict")


def test_a_checkpoint_of_something_else_comes_with_a_report(tmp_path: Path) -> None:
    path = saved(tmp_path / "r.pth", {"conv1.weight": torch.zeros(64, 3, 7, 7)})
    with pytest.raises(MisfitError) as caught:
        import_file(path, out=tmp_path / "o.safetensors")
    assert caught.value.report.rows
    for thing in ({}, [1, 2], {"a": 1}, torch.zeros(3), {"a": torch.zeros(2).to_sparse()}):
        refused(saved(tmp_path / "x.pth", thing), "no plain tensors")


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    state = tensors_in(LUKEMELAS, net("tiny"))
    state["_fc.bias"][0] = float("nan")
    refused(saved(tmp_path / "nan.pth", state), "not a number")


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    """262 kB of zip can hold 257 MB of zeros; torch.save never compresses."""
    path = saved(tmp_path / "a.pth", tensors_in(LUKEMELAS, net("tiny")))
    bomb = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as out:
        for member in source.infolist():
            out.writestr(member.filename, source.read(member))
    refused(bomb, "compressed")


class _Claim:
    """Pickles as a float storage of `numel` values under the key 0, as torch.save does it."""

    def __init__(self, numel: int) -> None:
        self.numel = numel


def claiming(numel: int, *, old: bool) -> bytes:
    """The pickle of a state dict whose only storage claims `numel` values."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing: object) -> object:
            if isinstance(thing, _Claim):
                tail = (None,) if old else ()
                return ("storage", torch.FloatStorage, "0", "cpu", thing.numel, *tail)
            return None

    class Tensor:
        def __reduce__(self) -> object:
            rebuild = torch._utils._rebuild_tensor_v2
            return rebuild, (_Claim(numel), 0, (2,), (1,), False, OrderedDict())

    out = io.BytesIO()
    Pickler(out, protocol=2).dump({"_conv_stem.weight": Tensor()})
    return out.getvalue()


@pytest.mark.parametrize("numel", [10**12, 2**62, -5])
def test_storages_larger_than_the_file_are_refused_before_anything_is_allocated(
    numel: int, tmp_path: Path
) -> None:
    new = tmp_path / "new.pth"
    with zipfile.ZipFile(new, "w") as archive:
        archive.writestr("a/data.pkl", claiming(numel, old=False))
        archive.writestr("a/data/0", bytes(8))
        archive.writestr("a/version", "3\n")
    refused(new, "more values than the file has bytes")
    header = [pickle.dumps(v, 2) for v in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    old = tmp_path / "old.pth"
    tail = pickle.dumps(["0"], 2) + struct.pack("<q", 2) + bytes(8)
    old.write_bytes(b"".join(header) + claiming(numel, old=True) + tail)
    refused(old, "more values than the file has bytes")


def test_a_stride_of_zero_claims_terabytes_and_gets_nothing(tmp_path: Path) -> None:
    state = tensors_in(LUKEMELAS, net("tiny"))
    state["_fc.weight"] = torch.zeros(1).expand(10**6, 10**6)
    path = saved(tmp_path / "huge.pth", state)
    assert path.stat().st_size < 2_000_000
    refused(path, "no EfficientNet")


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    path.write_text("hello")
    refused(path, "no weight file that can be read")
    path.write_bytes(b"")
    refused(path, "no weight file that can be read")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(path, "neither a PyTorch nor a Keras file")
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    refused(path, "no weight file that can be read")
    with pytest.raises(WeightsError, match="cannot be read"):
        import_file(tmp_path / "missing.pth", out=tmp_path / "o.safetensors")
    with pytest.raises(CheckpointError, match="no layout 'caffe'"):
        read_any(saved(path, {"a": torch.zeros(2)}), layout="caffe")


def test_400_damaged_files_end_in_one_sentence_or_are_read(tmp_path: Path) -> None:
    state = tensors_in(LUKEMELAS, net("tiny"))
    random = Random(0)
    ends = {"refused": 0, "read": 0}
    for old in (True, False):
        path = saved(tmp_path / "a.pth", state, _use_new_zipfile_serialization=not old)
        good = path.read_bytes()
        # Half of the damage goes where the structure is, since most bytes are values.
        start = good.rfind(b"PK\x05\x06") - 12_000 if not old else 0
        for number in range(200):
            data = bytearray(good)
            for _ in range(random.choice([1, 1, 4, 30])):
                place = (
                    start + random.randrange(12_000) if number % 2 else random.randrange(len(data))
                )
                data[min(place, len(data) - 1)] = random.randrange(256)
            if random.random() < 0.2:
                data = data[: random.randrange(len(data))]
            path.write_bytes(data)
            try:
                read_any(path)
                ends["read"] += 1
            except CheckpointError:
                ends["refused"] += 1
    print(f"400 damaged PyTorch files: {ends}, escaped 0")
    assert sum(ends.values()) == 400
    assert min(ends.values()) > 20


def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "a.pth", tensors_in(LUKEMELAS, net("tiny")))
    with pytest.raises(WeightsError, match="could not be written"):
        import_file(path, out=tmp_path / "no" / "o.safetensors")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WeightsError, match="No space left"):
        import_file(path, out=tmp_path / "o.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["a.pth"]
