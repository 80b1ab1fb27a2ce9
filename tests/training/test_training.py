"""The training of the network in the box: data, arithmetic, resuming; and the shipped weights' figures."""

from __future__ import annotations

import gzip
import hashlib
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import effnet
from effnet.errors import EffnetError
from effnet.training import data
from effnet.training.__main__ import main
from effnet.training.data import Split, augment, read_idx, to_input
from effnet.training.experiments import with_gates
from effnet.training.loop import accuracy, train
from effnet.training.recipe import Recipe, mini_spec

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def few(split: Split, n: int) -> Split:
    return Split(split.images[:n], split.labels[:n])


@pytest.fixture(scope="module")
def fashion() -> tuple[Split, Split]:
    return data.load()


def test_fashion_mnist_is_what_its_paper_says(fashion: tuple[Split, Split]) -> None:
    train_split, test_split = fashion
    assert tuple(train_split.images.shape) == (60_000, 28, 28)
    assert tuple(test_split.images.shape) == (10_000, 28, 28)
    assert torch.bincount(test_split.labels).tolist() == [1000] * 10
    pixels = train_split.images.double() / 255
    assert pixels.mean().item() == pytest.approx(data.MEAN, abs=5e-5)
    assert pixels.std().item() == pytest.approx(data.STD, abs=5e-5)


def test_files_that_are_not_there_or_no_data(tmp_path: Path) -> None:
    with pytest.raises(EffnetError, match="dataset-fashion-mnist"):
        read_idx(tmp_path / "none.gz")
    for content in (b"", b"no gzip", gzip.compress(b"\0\0\x08\x03\0\0"), gzip.compress(b"x" * 40)):
        (tmp_path / "bad.gz").write_bytes(content)
        with pytest.raises(EffnetError):
            read_idx(tmp_path / "bad.gz")
    assert main(["--folder", str(tmp_path), "--out", str(tmp_path / "o")]) == 2


def test_augmentation_moves_and_mirrors_and_nothing_else() -> None:
    g = torch.Generator().manual_seed(0)
    picture = torch.zeros(400, 9, 9, dtype=torch.uint8)
    picture[:, 4, 2] = 255
    moved = augment(picture, 2, g)
    assert moved.shape == picture.shape
    assert (moved.sum((1, 2)) == 255).all()
    places = {tuple(p) for p in moved.nonzero()[:, 1:].tolist()}
    assert places <= {(y, x) for y in range(2, 7) for x in (*range(0, 5), *range(4, 9))}
    assert len(places) > 30


def test_learning_rate_by_hand() -> None:
    recipe = Recipe(lr=2.0, warmup_steps=10)
    assert recipe.lr_at(0, 110) == pytest.approx(0.2)
    assert recipe.lr_at(9, 110) == pytest.approx(2.0)
    assert recipe.lr_at(60, 110) == pytest.approx(2.0 * 0.5 * (1 + math.cos(math.pi / 2)))
    assert recipe.lr_at(109, 110) == pytest.approx(0, abs=1e-3)


def test_a_resumed_training_is_the_unbroken_one(
    tmp_path: Path, fashion: tuple[Split, Split]
) -> None:
    """Two epochs at once, and one epoch, a stop, one more: the same weights to the bit."""
    small = (few(fashion[0], 256), few(fashion[1], 200))
    recipe = Recipe(epochs=2, batch=64, warmup_steps=2)
    whole = train(recipe, small, tmp_path / "whole", report=lambda s: None)

    class StopError(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("epoch 1/2"):
            raise StopError

    with pytest.raises(StopError):
        train(recipe, small, tmp_path / "parts", report=stop)
    said: list[str] = []
    parts = train(recipe, small, tmp_path / "parts", report=said.append)
    assert said[0] == "resumed after epoch 1"
    a, b = (load_file(tmp_path / d / "model.safetensors") for d in ("whole", "parts"))
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert whole["test_accuracy"] == parts["test_accuracy"]
    lines = (tmp_path / "parts" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
    model = effnet.load("mini", tmp_path / "parts" / "model.safetensors")
    assert model.info.labels == data.FASHION_MNIST


def test_the_twin_differs_in_nothing_but_se() -> None:
    se, no = mini_spec(True), mini_spec(False)
    assert se.config.phi == no.config.phi == -6
    for a, b in zip(se.blocks, no.blocks, strict=True):
        assert (a.kernel, a.in_channels, a.out_channels) == (
            b.kernel,
            b.in_channels,
            b.out_channels,
        )
        assert b.se_channels is None
    assert se.params - no.params == se.se_params


@pytest.mark.parametrize(
    ("name", "kind"), [("mini-fashion", "se"), ("mini-fashion-no-se", "no-se")]
)
def test_the_shipped_weights_have_the_accuracy_that_is_claimed(
    name: str, kind: str, fashion: tuple[Split, Split]
) -> None:
    """All 10,000 test pictures, with the file as it is shipped."""
    claimed = json.loads((ASSETS / "experiments.json").read_text())["twins"][kind]["accuracy"]
    file = ASSETS / "weights" / f"{name}.safetensors"
    assert file.stat().st_size < 4_000_000
    sums = dict(
        reversed(line.split())
        for line in (ASSETS / "weights" / "SHA256SUMS").read_text().splitlines()
    )
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sums[file.name]
    model = effnet.load(mini_spec(kind == "se"), name)
    assert accuracy(model, fashion[1]) == pytest.approx(claimed, abs=2e-4)
    assert claimed >= 0.92


def test_the_experiment_with_gates_is_the_edit(fashion: tuple[Split, Split]) -> None:
    """SE off in the measuring script equals the edit `all:off`, on 200 pictures."""
    from effnet.inspection.edits import Edit, EditTap
    from effnet.training import experiments

    model, some = effnet.load("mini", "default"), few(fashion[1], 200)
    taps = with_gates(lambda block, t, start: torch.ones_like(t), "5.2")
    edit = EditTap(model.spec, [Edit("5.2", "off")])
    with torch.inference_mode():
        x = to_input(some.images)
        assert torch.equal(model(x, taps(0)), model(x, edit))
    assert experiments.share(experiments.right(model, some)) == accuracy(model, some)
