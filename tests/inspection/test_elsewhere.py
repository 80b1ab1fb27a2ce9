"""Gates and edits against other libraries with the same weights: efficientnet_pytorch and Keras.

An edit is made there by hand: SE taken out of a block, weights set, projections scaled. The network in
the box is rebuilt in efficientnet_pytorch with its stem at stride 1, and runs on its own pictures.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from efficientnet_pytorch import EfficientNet as Theirs
from efficientnet_pytorch.utils import efficientnet, get_same_padding_conv2d
from torch import Tensor

import effnet
from effnet import EfficientNet
from effnet.inspection.edits import Edit, EditTap, apply, baseline
from effnet.inspection.images import prepare, read_picture
from effnet.inspection.trace import trace
from effnet.weights.importing import import_file
from effnet.weights.layouts import LUKEMELAS, rename
from tests.weights.conditioned import condition, picture

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "assets" / "samples" / "fashion").glob("*.png"))


def their_mini(ours: EfficientNet) -> Theirs:
    """Mini in efficientnet_pytorch, with the tensors of `ours`."""
    spec = ours.spec
    blocks, settings = efficientnet(
        spec.width, spec.depth, image_size=2 * spec.resolution, num_classes=spec.num_classes
    )
    made = Theirs(blocks, settings)  # their stem halves the picture, so it was told twice the size
    stem = get_same_padding_conv2d(image_size=spec.resolution)
    made._conv_stem = stem(3, spec.stem_channels, kernel_size=3, stride=1, bias=False)
    state = ours.state_dict()
    theirs = {their.name: state[name] for name, their in rename(LUKEMELAS, spec).items()}
    missing = set(made.state_dict()) - set(theirs)
    assert all(name.endswith("num_batches_tracked") for name in missing)
    made.load_state_dict(theirs, strict=False)
    return made.eval()


def their_gates(model: Theirs, x: Tensor) -> list[np.ndarray]:
    """(N, C) of every block, read with hooks in their library."""
    found: list[np.ndarray] = []
    hooks = [
        block._se_expand.register_forward_hook(
            lambda _module, _input, out: found.append(torch.sigmoid(out)[:, :, 0, 0].numpy())
        )
        for block in model._blocks
    ]
    with torch.no_grad():
        model(x)
    for hook in hooks:
        hook.remove()
    return found


@pytest.fixture(scope="module")
def mini() -> EfficientNet:
    return effnet.load("mini", "default")


@pytest.fixture(scope="module")
def clothes(mini: EfficientNet) -> Tensor:
    """The twenty pictures in the box, as the network wants them."""
    how = mini.info.preprocessing
    values = [prepare(read_picture(file.read_bytes()), how).values for file in SAMPLES]
    return torch.from_numpy(np.concatenate(values))


def test_the_gates_of_the_network_in_the_box(mini: EfficientNet, clothes: Tensor) -> None:
    seen, theirs = trace(mini, clothes), their_mini(mini)
    found = their_gates(theirs, clothes)
    assert len(clothes) == 20
    assert len(found) == len(seen.gates) == 10
    worst = max(np.abs(a - b).max() for a, b in zip(seen.gates.values(), found, strict=True))
    with torch.no_grad():
        assert np.allclose(theirs(clothes).numpy(), seen.logits, atol=1e-4)
    print(
        f"20 pictures, {sum(g.shape[1] for g in found)} gates each: largest difference {worst:.1e}"
    )
    assert worst < 1e-5


def test_the_gates_of_b0(tmp_path: Path) -> None:
    theirs = Theirs.from_name("efficientnet-b0", image_size=96, num_classes=9)
    condition(theirs, 96, projection="_bn2")
    torch.save(theirs.state_dict(), tmp_path / "b0.pth")
    import_file(tmp_path / "b0.pth", out=tmp_path / "b0.safetensors")
    x = picture(96, 3, n=2)
    seen = trace(effnet.load("b0", tmp_path / "b0.safetensors"), x)
    found = their_gates(theirs, x)
    assert len(found) == 16
    for block, wanted in zip(seen.gates, found, strict=True):
        assert np.allclose(seen.gates[block], wanted, atol=1e-5), block


def test_the_gates_of_keras(tmp_path: Path) -> None:
    environment = {
        **os.environ, "KERAS_BACKEND": "torch", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    program = str(Path(__file__).with_name("write_keras_gates.py"))
    done = subprocess.run(
        [sys.executable, program, str(tmp_path)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    wanted = np.load(tmp_path / "gates.npz")
    import_file(tmp_path / "b0.weights.h5", out=tmp_path / "b0.safetensors")
    x = torch.from_numpy(wanted["x"] / 255).permute(0, 3, 1, 2).float()
    seen = trace(effnet.load("b0", tmp_path / "b0.safetensors"), x)
    assert np.allclose(seen.logits, wanted["logits"], atol=1e-4 * np.abs(wanted["logits"]).max())
    names = [name for name in wanted.files if name.endswith("_se_expand")]
    assert len(names) == len(seen.gates) == 16
    for block, name in zip(seen.gates, names, strict=True):
        assert np.allclose(seen.gates[block], wanted[name][:, 0, 0], atol=1e-5), name


def take_out(theirs: Theirs, at: int) -> None:
    theirs._blocks[at].has_se = False


def hold(theirs: Theirs, at: int, gate: np.ndarray) -> None:
    """Make a block's gates what is given, whatever it sees."""
    se = theirs._blocks[at]._se_expand
    with torch.no_grad():
        se.weight.zero_()
        g = torch.from_numpy(gate.astype(np.float64))
        se.bias.copy_(torch.log(g / (1 - g)).float())


@pytest.mark.parametrize("place", ["all", "2", "5", "6.2", "8.1"])
@pytest.mark.parametrize("kind", ["off", "constant", "times", "mean", "swap", "channel"])
def test_an_edit_is_the_change_made_by_hand_elsewhere(
    mini: EfficientNet, clothes: Tensor, place: str, kind: str
) -> None:
    spec, one = mini.spec, clothes[3:4]
    where = [i for i, b in enumerate(spec.block_ids) if place in ("all", b, b.split(".")[0])]
    every = trace(mini, clothes).gates
    mean = {b: g.mean(0) for b, g in every.items()}
    other = {b: g[11] for b, g in every.items()}
    theirs = their_mini(mini)
    for at in where:
        block = spec.block_ids[at]
        size = spec.block(block).expanded_channels
        project = theirs._blocks[at]._project_conv.weight
        if kind == "off":
            take_out(theirs, at)
        elif kind == "constant":
            hold(theirs, at, np.full(size, 0.3))
        elif kind == "mean":
            hold(theirs, at, mean[block])
        elif kind == "swap":
            hold(theirs, at, other[block])
        with torch.no_grad():
            if kind == "times":
                project.mul_(1.7)
            elif kind == "channel":
                project[:, 4] = 0
    value, channel = {"constant": 0.3, "times": 1.7, "channel": 0.0}.get(kind, 1.0), None
    edit = Edit(place, kind, value, 4 if kind == "channel" else channel)  # type: ignore[arg-type]
    run = apply(mini, baseline(mini, one), EditTap(spec, [edit], mean=mean, other=other))
    with torch.no_grad():
        wanted = theirs(one).numpy()
    assert np.allclose(run.logits, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())
    assert not np.allclose(run.logits, trace(mini, one).logits, atol=1e-4)


def test_every_gate_one_is_the_network_that_never_had_se(
    mini: EfficientNet, clothes: Tensor
) -> None:
    """Our own twin without SE and theirs, with the other tensors of the trained network."""
    off = trace(mini, clothes, edit=EditTap(mini.spec, [Edit("all", "off")])).logits
    twin = EfficientNet(effnet.spec_for("mini-no-se")).eval()
    state = mini.state_dict()
    twin.load_state_dict({name: state[name] for name in twin.state_dict()})
    theirs = their_mini(mini)
    for at in range(len(theirs._blocks)):
        take_out(theirs, at)
    with torch.no_grad():
        assert np.array_equal(off, twin(clothes).numpy())
        assert np.allclose(off, theirs(clothes).numpy(), rtol=1e-4, atol=1e-4 * np.abs(off).max())
