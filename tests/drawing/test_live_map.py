"""The map of the slider says what a laid-out map of the same network says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from effnet import scale, spec_for
from effnet.drawing import live_map as module
from effnet.drawing.diagram import network_dot
from effnet.drawing.layout import render, render_svg
from effnet.drawing.live_map import frame, live_map
from effnet.errors import DrawingError, SpecError


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)<", svg)


def test_b0_is_its_own_drawing() -> None:
    assert live_map(spec_for("b0")) == render_svg(network_dot(spec_for("b0")))


@pytest.mark.parametrize("phi", [-4, -1.35, 0.5, 1, 2.5, 4.2, 7, 8, 9.9])
def test_the_numbers_are_the_networks(phi: float) -> None:
    spec = scale(phi)
    assert texts(live_map(spec)) == texts(render_svg(network_dot(spec)))


@pytest.mark.parametrize("name", ["b7", "l2"])
def test_released_networks_too(name: str) -> None:
    assert texts(live_map(spec_for(name))) == texts(render_svg(network_dot(spec_for(name))))


def test_a_step_lays_nothing_out() -> None:
    live_map(spec_for("b0"))
    before = render.cache_info().misses
    for i in range(20):
        frame(0.123 + i / 7)
    assert render.cache_info().misses == before


def test_a_frame_is_the_network_at_phi() -> None:
    found = frame(1.0)
    assert found.spec.params == 9_109_994
    assert len(found.stages) == 9
    assert "3 × 258²" in found.svg
    assert frame(1.0) is found
    with pytest.raises(SpecError, match="phi = 30"):
        frame(30)


def test_a_map_worded_otherwise_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    module._pieces.cache_clear()
    monkeypatch.setattr(module, "render_svg", lambda dot: Path(__file__).name)
    with pytest.raises(DrawingError, match="does not say"):
        live_map(spec_for("b0"))
    frame.cache_clear()
    assert frame(0.7).svg == ""
    assert len(frame(0.7).stages) == 9
    frame.cache_clear()
    module._pieces.cache_clear()
