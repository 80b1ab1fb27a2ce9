"""`python -m effnet weights ..`, through the parser that the program uses."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
import torch

import effnet
from effnet.errors import CheckpointError, WeightsError
from effnet.weights.catalog import CATALOG
from effnet.weights.commands import add_parser
from effnet.weights.layouts import LAYOUTS
from tests.nets import net
from tests.weights.test_uploads import same_answer, tensors_in


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["weights", *words])
    return int(args.run(args))


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CATALOG)
    assert run("list", "--json") == 0
    entries = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in entries] == list(CATALOG)
    lite0 = next(entry for entry in entries if entry["name"] == "pypi-lite0")
    assert lite0["here"] is True
    assert lite0["verified"]["predictions"]
    assert (lite0["padding"], lite0["bn_eps"]) == ("same", 1e-3)
    assert lite0["preprocessing"]["size"] == 224
    l2 = next(entry for entry in entries if entry["name"] == "timm-tf_efficientnet_l2.ns_jft_in1k")
    assert l2["memory_bytes"] > 3e9
    assert l2["seconds"] > 20


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "torchvision-b5-v1") == 0
    out = capsys.readouterr().out
    for text in ("symmetric", "0.001", "1a07897c", "83.444", "run with symmetric padding", "456"):
        assert text in out
    assert run("show", "pypi-lite0", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == CATALOG["pypi-lite0"].digest
    with pytest.raises(WeightsError, match="no weights called 'b0'"):
        run("show", "b0")


def test_verify(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path))
    assert run("verify") == 0
    out = capsys.readouterr().out
    assert f"pypi-lite0: whole, sha256 {CATALOG['pypi-lite0'].digest}" in out
    (tmp_path / CATALOG["torchvision-b0-v1"].file).write_bytes(b"damaged")
    assert run("verify") == 2
    captured = capsys.readouterr()
    assert "error: efficientnet_b0_rwightman-7f5810bc.pth is damaged" in captured.err
    assert "1 damaged" in captured.out


def test_fetch(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path))
    monkeypatch.setenv("EFFNET_OFFLINE", "1")
    assert run("fetch", "pypi-lite0", "torchvision-b0-v1") == 2
    captured = capsys.readouterr()
    assert "pypi-lite0: " in captured.out
    assert "EFFNET_OFFLINE" in captured.err
    with pytest.raises(WeightsError):
        run("fetch", "pypi-lite0", "nonsense")


def test_import(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    model = net("tiny", padding="symmetric", bn_eps=1e-5)
    source, out = tmp_path / "w.pth", tmp_path / "w.safetensors"
    torch.save(tensors_in(LAYOUTS["timm"], model), source)
    with pytest.raises(CheckpointError, match="--padding"):
        run("import", str(source), "-o", str(out))
    assert not out.exists()
    words = ("--layout", "timm", "--padding", "symmetric", "--bn-eps", "1e-5")
    assert run("import", str(source), *words, "-o", str(out)) == 0
    said = capsys.readouterr().out
    assert "10 classes, symmetric padding, BN epsilon 1e-05" in said
    assert "source: w.pth, a checkpoint as timm or geffnet names it; symmetric padding, as" in said
    assert same_answer(effnet.load("tiny", out), model)


def test_import_prints_the_table_of_what_does_not_fit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    state = tensors_in(LAYOUTS["torchvision"], net("tiny"))
    del state["features.8.1.bias"]
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="1 missing"):
        run("import", str(tmp_path / "w.pth"), "-o", str(tmp_path / "o.safetensors"))
    assert "missing        features.8.1.bias" in capsys.readouterr().out
