"""What a page says about weights before they run: what they are, what they need, what was verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from app import weights
from effnet.weights.catalog import CATALOG
from tests.app.driving import open_page, words


def buttons(at: object) -> list[str]:
    return [button.label for button in at.button]  # type: ignore[attr-defined]


@pytest.mark.parametrize("net", ["B7", "L2"])
def test_what_is_too_large_says_what_it_needs_before_it_is_fetched(
    net: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path))
    monkeypatch.delenv("EFFNET_OFFLINE", raising=False)
    monkeypatch.setattr(weights, "memory_here", lambda: 500_000_000)
    at = open_page("views/gradcam.py", net=net)
    assert f"EfficientNet-{net}** needs about" in words(at)
    assert "seconds for one picture on one core" in words(at)
    assert "This machine has 500 MB." in words(at)
    assert not any("Download" in label for label in buttons(at))
    next(button for button in at.button if button.label == "Run it anyway").click().run()
    assert any(label.startswith("Download (") for label in buttons(at))


def test_the_memory_of_a_container_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine = weights.memory_here()
    monkeypatch.setattr(weights, "CONTAINER", tmp_path / "memory.max")
    (tmp_path / "memory.max").write_text("268435456\n")
    assert weights.memory_here() == 268_435_456
    (tmp_path / "memory.max").write_text("max\n")
    assert weights.memory_here() >= machine > 0


def test_everything_about_weights_is_said_and_marked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFFNET_CACHE", str(tmp_path))
    at = open_page("views/gradcam.py", net="Lite0")
    for text in (
        "**Source:**",
        "Apache",
        "converted to PyTorch",
        "75\\.1 \\%",
        "0\\.498",
        "same padding",
    ):
        assert text in words(at)
    assert words(at).count(":green[:material/check_circle:]") == 3
    at = open_page("views/gradcam.py", net="B5")
    entry = CATALOG["torchvision-b5-v1"]
    assert "symmetric padding" in entry.note
    assert "**Note:** Trained with same padding" in words(at)
    assert "83\\.444" in words(at)
    assert words(at).count(":green[:material/check_circle:]") == 2  # its answers were not compared
    assert "Answers: not verified here" in words(at)
