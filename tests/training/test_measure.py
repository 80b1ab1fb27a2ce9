"""The measuring script, run for real on a few pictures and networks trained for a moment."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import effnet
from effnet.errors import EffnetError
from effnet.training import data
from effnet.training.card import card
from effnet.training.data import Split
from effnet.training.experiments import all_gates, gate_experiments, right, share
from effnet.training.loop import train
from effnet.training.measure import main, short_runs
from effnet.training.recipe import Recipe

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def idx(values: Tensor) -> bytes:
    """An IDX file of unsigned bytes."""
    head = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">i4").tobytes()
    return gzip.compress(head + values.to(torch.uint8).numpy().tobytes())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data`: 64 + 40 pictures. `runs`: a twin and two short trainings of each kind, but no `se`."""
    root = tmp_path_factory.mktemp("measure")
    full = data.load()
    small = tuple(Split(s.images[:n], s.labels[:n]) for s, n in zip(full, (64, 40), strict=True))
    (root / "data").mkdir()
    for name, split in zip(("train", "t10k"), small, strict=True):
        for what, values in (("images-idx3", split.images), ("labels-idx1", split.labels)):
            (root / "data" / f"{name}-{what}-ubyte.gz").write_bytes(idx(values))
    both = (small[0], small[1])
    for kind in ("se", "no-se"):
        for folder, seed in ((kind, 0), (f"short-{kind}-1", 1), (f"short-{kind}-2", 2)):
            made = Recipe(se=kind == "se", seed=seed, epochs=1, batch=32, warmup_steps=1)
            train(made, both, root / "runs" / folder, lambda s: None)
    # As if only the weights of the training with SE had been kept.
    (root / "out" / "weights").mkdir(parents=True)
    shutil.move(
        root / "runs" / "se" / "model.safetensors", root / "out" / "weights" / "mini-fashion.safetensors"
    )  # fmt: skip
    shutil.rmtree(root / "runs" / "se")
    return root


def run(place: Path, out: str = "out") -> int:
    return main([str(place / "runs"), "--folder", str(place / "data"), "--out", str(place / out)])


def test_shipped_weights_stand_in_for_a_lost_training(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(place, "nowhere") == 2
    assert "train it first" in capsys.readouterr().err
    assert not (place / "nowhere").exists()
    assert run(place) == 0
    out = place / "out"
    measured = json.loads((out / "experiments.json").read_text())
    twins = measured["twins"]
    assert twins["se"]["seconds"] is None
    assert twins["se"]["accuracy_float32"] is None
    assert twins["no-se"]["seconds"] >= 0
    assert [twins[k]["short_seeds"] for k in ("se", "no-se")] == [[1, 2], [1, 2]]
    test = data.load(place / "data")[1]
    found = {}
    for kind, name in (("se", "mini-fashion"), ("no-se", "mini-fashion-no-se")):
        model = effnet.load(None, out / "weights" / f"{name}.safetensors")
        found[kind] = right(model, test)
        assert twins[kind]["accuracy"] == share(found[kind])
    assert twins["only_right"]["se"] == int((found["se"] > found["no-se"]).sum())
    text = (out / "weights" / "README.md").read_text()
    assert text == card(measured)
    assert "| seconds of training on this project's machine | not recorded |" in text
    assert f"{100 * twins['no-se']['accuracy']:.2f} %" in text
    assert len((out / "weights" / "SHA256SUMS").read_text().splitlines()) == 2
    assert len(list((out / "samples" / "fashion").glob("*.png"))) == 20


def test_the_page_says_what_that_file_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app import evidence
    from tests.app.driving import open_page, words

    if not (place / "out" / "experiments.json").exists():
        assert run(place) == 0
    monkeypatch.setattr(evidence, "ASSETS", place / "out")
    at = open_page("views/why.py", net="Mini")
    twins = json.loads((place / "out" / "experiments.json").read_text())["twins"]
    for kind in ("se", "no-se"):
        assert f"**{100 * twins[kind]['accuracy']:.2f} %**" in words(at)
    assert "of the 40 test pictures" in words(at)
    assert "40 pictures in 10 groups, EfficientNet-Mini" in words(at)


def test_twins_of_different_recipes_are_not_compared(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(place / "runs", tmp_path / "runs")
    shutil.copytree(place / "runs" / "short-se-1", tmp_path / "runs" / "se")
    assert (
        main([str(tmp_path / "runs"), "--folder", str(place / "data"), "--out", str(tmp_path)]) == 2
    )
    assert "different recipes" in capsys.readouterr().err
    (tmp_path / "runs" / "no-se" / "result.json").write_text("{")
    shutil.copyfile(
        place / "out" / "weights" / "mini-fashion.safetensors", tmp_path / "runs" / "se" / "model.safetensors"
    )  # fmt: skip
    assert (
        main([str(tmp_path / "runs"), "--folder", str(place / "data"), "--out", str(tmp_path)]) == 2
    )
    assert "is damaged" in capsys.readouterr().err


def test_short_trainings_count_in_pairs_of_one_recipe(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "runs", tmp_path / "runs")
    (tmp_path / "runs" / "short-no-se-2" / "result.json").unlink()
    kept = short_runs(tmp_path / "runs")
    assert [r["recipe"]["seed"] for r in kept["se"] + kept["no-se"]] == [1, 1]
    assert [r["recipe"]["se"] for r in kept["se"] + kept["no-se"]] == [True, False]
    path = tmp_path / "runs" / "short-se-1" / "result.json"
    other = json.loads(path.read_text())
    other["recipe"]["epochs"] = 7
    path.write_text(json.dumps(other))
    with pytest.raises(EffnetError, match="different recipes"):
        short_runs(tmp_path / "runs")


def test_shuffled_gates_are_never_ones_own(place: Path) -> None:
    """Each answer with shuffled gates equals a run with the gates of another picture put in."""
    train_split, test = data.load(place / "data")
    model = effnet.load("mini", "default")
    own = all_gates(model, test)
    result = gate_experiments(model, train_split, test)
    circle = torch.randperm(len(test.labels), generator=torch.Generator().manual_seed(0)).tolist()
    giver = dict(zip(circle, [circle[-1], *circle[:-1]], strict=True))
    assert all(a != b for a, b in giver.items())
    count = 0
    for i in range(len(test.labels)):

        def tap(point: str, t: Tensor, i: int = i) -> Tensor:
            block = point.removesuffix(".gate")
            return own[block][giver[i]][None, :, None, None] if point.endswith(".gate") else t

        with torch.inference_mode():
            answer = model(data.to_input(test.images[i : i + 1]), tap).argmax()
        count += int(answer == test.labels[i])
    assert result["shuffled"] == count / len(test.labels)


def test_the_shipped_card_is_what_was_measured() -> None:
    path = ASSETS / "experiments.json"
    measured = json.loads(path.read_text()) if path.exists() else None
    assert (ASSETS / "weights" / "README.md").read_text() == card(measured)
