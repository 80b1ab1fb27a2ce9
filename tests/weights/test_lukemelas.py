"""Weights that efficientnet_pytorch saved give its answers here: B0 to B7, float32 and float64."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from efficientnet_pytorch import EfficientNet as Theirs

import effnet
from effnet.errors import CheckpointError
from effnet.weights.importing import import_file
from tests.weights.conditioned import assert_close, condition, picture

SIZES = {"b0": 224, "b1": 96, "b2": 96, "b3": 64, "b4": 64, "b5": 64, "b6": 64, "b7": 64}
"""Even at every stride, so that same and symmetric padding differ; B0 at its native size."""


def theirs(name: str, size: int, **settings: object) -> Theirs:
    """Their network, padded for `size` as they do at construction, with conditioned values."""
    model = Theirs.from_name(
        f"efficientnet-{name}", image_size=size, drop_connect_rate=0, **settings
    )
    condition(model, min(size, 96), projection="_bn2")
    return model


@pytest.mark.parametrize("name", SIZES)
def test_same_logits_as_the_library_that_saved_the_weights(name: str, tmp_path: Path) -> None:
    size = SIZES[name]
    model, file, out = theirs(name, size), tmp_path / "saved.pth", tmp_path / "ours.safetensors"
    torch.save(model.state_dict(), file)
    info = import_file(file, out=out)
    assert (info.config.name, info.config.padding, info.config.bn_eps) == (name, "same", 1e-3)
    assert info.config.num_classes == 1000
    ours = effnet.load(name, out)
    assert not ours.training
    assert ours.info == info
    x = picture(size, 7)
    with torch.inference_mode():
        single = assert_close(ours(x), model(x))
        double = assert_close(ours.double()(x.double()), model.double()(x.double()))
    print(f"{name} at {size} px: float32 {single:.1e}, float64 {double:.1e} of the largest logit")


def test_a_float64_checkpoint_keeps_its_values(tmp_path: Path) -> None:
    model = theirs("b0", 64, num_classes=7).double()
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(1 + 1e-9 * torch.randn(p.shape, dtype=p.dtype))  # not representable in float32
    torch.save(model.state_dict(), tmp_path / "f64.pth")
    import_file(tmp_path / "f64.pth", out=tmp_path / "f64.safetensors")
    ours = effnet.load("b0", tmp_path / "f64.safetensors")
    x = picture(64, 3).double()
    with torch.inference_mode():
        assert ours.classifier.weight.dtype == torch.float64
        assert ours.info.config.num_classes == 7
        assert_close(ours(x), model(x))
        assert effnet.load("b0", tmp_path / "f64.safetensors", dtype=torch.float32)(
            x.float()
        ).shape == (1, 7)


def test_the_wrong_padding_is_refused_and_would_be_seen(tmp_path: Path) -> None:
    model = theirs("b0", 64)
    torch.save(model.state_dict(), tmp_path / "saved.pth")
    with pytest.raises(CheckpointError, match="need same padding"):
        import_file(tmp_path / "saved.pth", out=tmp_path / "out.safetensors", padding="symmetric")
    assert not (tmp_path / "out.safetensors").exists()
    import_file(tmp_path / "saved.pth", out=tmp_path / "out.safetensors")
    right = effnet.load("b0", tmp_path / "out.safetensors")
    x = picture(64, 3)
    with torch.inference_mode():
        wanted = right(x)
        for changes in ({"padding": "symmetric"}, {"bn_eps": 1e-5}):
            wrong = effnet.EfficientNet(effnet.spec_for("b0", **changes)).eval()
            wrong.load_state_dict(right.state_dict())
            assert float((wrong(x) - wanted).abs().max()) > 1e-2 * float(wanted.abs().max())
