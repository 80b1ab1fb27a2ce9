"""Files that Keras 3 saved give Keras' answers here: B0, B1, B3, in each of its three formats.

Keras runs in a process of its own (`write_keras.py`): it cannot be told to be silent, and here
every warning is an error.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import Tensor

import effnet
from effnet.errors import CheckpointError
from effnet.weights.importing import import_file
from effnet.weights.info import Preprocessing
from tests.weights.conditioned import assert_close

FORMATS = (".weights.h5", ".h5", ".keras")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    environment = {**os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1"}
    program = Path(__file__).with_name("write_keras.py")
    done = subprocess.run(
        [sys.executable, str(program), str(folder)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def from_raw(x: np.ndarray, how: Preprocessing, dtype: torch.dtype) -> Tensor:
    """Pictures as Keras takes them (0..255, NHWC) -> as our networks take them."""
    mean, std = (torch.tensor(v, dtype=torch.float64) for v in (how.mean, how.std))
    return ((torch.from_numpy(x) / 255 - mean) / std).permute(0, 3, 1, 2).to(dtype)


def check(saved: Path, case: str, file: Path, tmp_path: Path) -> effnet.EfficientNet:
    wanted = np.load(saved / f"{case}.npz")
    info = import_file(file, out=tmp_path / "ours.safetensors")
    assert (info.config.padding, info.config.bn_eps) == ("same", 1e-3)
    model = effnet.load(info.config.name, tmp_path / "ours.safetensors")
    x = from_raw(wanted["x"], info.preprocessing, model.classifier.weight.dtype)
    with torch.inference_mode():
        ratio = assert_close(model(x), torch.from_numpy(wanted["logits"]))
    print(f"{file.name}: {ratio:.1e} of the largest logit")
    return model


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("case", ["b0", "b1", "b3"])
def test_same_logits_as_keras(saved: Path, case: str, suffix: str, tmp_path: Path) -> None:
    model = check(saved, case, saved / f"{case}{suffix}", tmp_path)
    assert (model.spec.name, model.spec.num_classes) == (case, 9)


def test_the_input_scaling_inside_the_model_becomes_preprocessing(
    saved: Path, tmp_path: Path
) -> None:
    """B1 was given mean and variance; the ImageNet build stores deviations and divides twice."""
    for case in ("b1", "imagenet"):
        how = check(saved, case, saved / f"{case}.weights.h5", tmp_path).info.preprocessing
        assert how.mean == pytest.approx((0.485, 0.456, 0.406), abs=1e-6)
        assert how.std == pytest.approx((0.229, 0.224, 0.225), abs=1e-6)
    plain = check(saved, "b0", saved / "b0.weights.h5", tmp_path).info.preprocessing
    assert (plain.mean, plain.std) == ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("suffix", FORMATS)
def test_float64_files_keep_their_values(saved: Path, suffix: str, tmp_path: Path) -> None:
    model = check(saved, "double", saved / f"double{suffix}", tmp_path)
    assert model.classifier.weight.dtype == torch.float64


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_new_classifier_under_any_name(saved: Path, suffix: str, tmp_path: Path) -> None:
    """Saved with its optimizer, whose own variables are left alone."""
    assert check(saved, "tuned", saved / f"tuned{suffix}", tmp_path).spec.num_classes == 4


def test_a_file_without_layer_names_is_read_by_their_order(saved: Path, tmp_path: Path) -> None:
    """As early versions of Keras 3 wrote them."""
    file = tmp_path / "nameless.weights.h5"
    file.write_bytes((saved / "b1.weights.h5").read_bytes())
    with h5py.File(file, "r+") as opened:
        for group in opened["layers"].values():
            del group["vars"].attrs["name"]
    check(saved, "b1", file, tmp_path)
    with h5py.File(file, "r+") as opened:
        del opened["layers/conv2d_5"]
    with pytest.raises(CheckpointError, match="lost the names of its layers"):
        import_file(file, out=tmp_path / "out.safetensors")


def test_tf_keras_2_files(saved: Path, tmp_path: Path) -> None:
    """`/layer/layer/kernel:0`, `depthwise_kernel:0`; made from Keras 3's file by the published names."""
    file = tmp_path / "tf2.h5"
    with h5py.File(saved / "b0.h5") as source, h5py.File(file, "w") as out:
        layers = source["model_weights"]
        for layer, group in layers.items():
            made = out.create_group(layer)
            names = []
            for path in group.attrs["weight_names"]:
                values = group[path][()]
                variable = path.split("/")[-1]
                if layer.endswith("_dwconv"):
                    variable = f"depthwise_{variable}"
                names.append(f"{layer}/{variable}:0")
                made.create_dataset(names[-1], data=values)
            made.attrs["weight_names"] = [n.encode() for n in names]
        out.attrs["layer_names"] = [n.encode() for n in layers]
    with h5py.File(file) as made:
        assert made["block1a_dwconv/block1a_dwconv/depthwise_kernel:0"].shape == (3, 3, 32, 1)
        assert made["stem_bn/stem_bn/moving_variance:0"].shape == (32,)
    check(saved, "b0", file, tmp_path)

    # The published files store deviations as variances, and are loaded into the doubled scaling.
    with h5py.File(file, "r+") as made:
        del made["normalization/normalization/variance:0"]
        made["normalization/normalization/variance:0"] = np.float32([0.229, 0.224, 0.225])
        classifier = made["predictions"]
        made.move("predictions", "probs")
        classifier.move("predictions", "probs")
    how = import_file(file, out=tmp_path / "o.safetensors").preprocessing
    assert how.std == pytest.approx((0.229, 0.224, 0.225), abs=1e-6)


@pytest.mark.parametrize("kind", ["f2", "V2"])
def test_half_precision_files(saved: Path, kind: str, tmp_path: Path) -> None:
    """Keras writes float16 as such, and bfloat16 as two opaque bytes."""
    file = tmp_path / "half.weights.h5"
    file.write_bytes((saved / "b0.weights.h5").read_bytes())
    dtype = torch.float16 if kind == "f2" else torch.bfloat16
    with h5py.File(file, "r+") as opened:
        paths: list[str] = []
        opened.visititems(lambda p, o: paths.append(p) if isinstance(o, h5py.Dataset) else None)
        for path in paths:
            half = torch.from_numpy(np.asarray(opened[path])).to(dtype)
            del opened[path]
            opened[path] = half.view(torch.int16).numpy().view(kind)
    import_file(file, out=tmp_path / "half.safetensors")
    import_file(saved / "b0.weights.h5", out=tmp_path / "full.safetensors")
    half, full = (effnet.load("b0", tmp_path / f"{n}.safetensors") for n in ("half", "full"))
    for ours, wanted in zip(half.parameters(), full.parameters(), strict=True):
        assert torch.equal(ours, wanted.to(dtype).float())


def test_a_file_without_a_classifier_says_so(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="without its classifier") as caught:
        import_file(saved / "notop.weights.h5", out=tmp_path / "out.safetensors")
    assert [row.name for row in caught.value.report.rows] == [
        "predictions/kernel",
        "predictions/bias",
    ]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("padding", ["symmetric"])
def test_keras_weights_are_never_run_with_symmetric_padding(
    saved: Path, padding: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="need same padding"):
        import_file(saved / "b0.h5", out=tmp_path / "out.safetensors", padding=padding)


def test_links_out_of_a_file_are_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["kernel"] = np.zeros((3, 3, 3, 32), np.float32)
    cases = {}
    for name, link in {
        "external": h5py.ExternalLink(str(secret), "/kernel"),
        "soft": h5py.SoftLink("/elsewhere"),
    }.items():
        for where in ("stem_conv/stem_conv/kernel:0", "model_weights"):
            cases[name, where] = tmp_path / f"{name}-{where[:4]}.h5"
            with h5py.File(cases[name, where], "w") as file:
                file["other/kernel"] = np.zeros(3)
                file[where] = link
    for file in cases.values():
        with pytest.raises(CheckpointError, match="link to another place"):
            import_file(file, out=tmp_path / "out.safetensors")

    elsewhere = tmp_path / "raw.bin"
    elsewhere.write_bytes(bytes(3456))
    file = tmp_path / "storage.h5"
    with h5py.File(file, "w") as made:
        made.create_dataset(
            "stem_conv/stem_conv/kernel:0",
            (3, 3, 3, 32),
            "f4",
            external=[(str(elsewhere), 0, 3456)],
        )
    with pytest.raises(CheckpointError, match="values in other files"):
        import_file(file, out=tmp_path / "out.safetensors")
    with h5py.File(file, "w") as made:
        layout = h5py.VirtualLayout((3, 3, 3, 32), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "kernel", (3, 3, 3, 32))
        made.create_virtual_dataset("stem_conv/stem_conv/kernel:0", layout)
    with pytest.raises(CheckpointError, match="values in other files"):
        import_file(file, out=tmp_path / "out.safetensors")


def test_a_shape_bomb_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "bomb.h5"
    with h5py.File(file, "w") as made:
        made.create_dataset(
            "stem_conv/stem_conv/kernel:0", (1 << 20, 1 << 20), "f4", chunks=(64, 64)
        )
    assert file.stat().st_size < 100_000
    with pytest.raises(CheckpointError, match="no EfficientNet"):
        import_file(file, out=tmp_path / "out.safetensors")


def test_a_circle_of_groups_ends(tmp_path: Path) -> None:
    file = tmp_path / "circle.h5"
    with h5py.File(file, "w") as made:
        made.create_group("a")["b"] = made["/"]
    with pytest.raises(CheckpointError, match="nested too deeply"):
        import_file(file, out=tmp_path / "out.safetensors")


def test_without_h5py_the_sentence_names_it(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CheckpointError, match="pip install h5py"):
        import_file(saved / "b0.h5", out=tmp_path / "out.safetensors")


def test_a_damaged_file_is_one_sentence(saved: Path, tmp_path: Path) -> None:
    data = bytearray((saved / "b0.weights.h5").read_bytes()[:2_000_000])
    file = tmp_path / "cut.h5"
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        import_file(file, out=tmp_path / "out.safetensors")
    zipped = bytearray((saved / "b0.keras").read_bytes())
    zipped[5_000_000] ^= 0xFF
    file = tmp_path / "flipped.keras"
    file.write_bytes(zipped)
    with pytest.raises(CheckpointError, match="damaged"):
        import_file(file, out=tmp_path / "out.safetensors")
