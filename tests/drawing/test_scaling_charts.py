"""Figures read back: the points are the library's numbers, and text has no colour of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from effnet import scale, spec_for
from effnet.architecture.axes import alone
from effnet.architecture.growth import AXES, SCALED
from effnet.architecture.variants import VARIANTS
from effnet.drawing import scaling_charts as charts
from effnet.errors import SpecError
from tests.conftest import reference_variants

FOUND = [alone(axis, spec_for("b3").macs) for axis in AXES]
FIGURES: dict[str, Callable[[], Any]] = {
    **{f"law {axis}": (lambda a=axis: charts.law_curve(a)) for axis in AXES},
    "law by cost": lambda: charts.law_curve("width", "cost"),
    "cost": charts.cost_growth,
    "accuracy": charts.family_accuracy,
    "accuracy by params": lambda: charts.family_accuracy("params"),
    "macs": lambda: charts.family_size("macs"),
    "params": lambda: charts.family_size("params"),
    "axes": lambda: charts.axis_costs(FOUND, "B3"),
    "table 7": charts.paper_one_axis,
}


def trace(figure: Any, name: str) -> Any:
    return next(t for t in figure.data if t.name == name)


@pytest.mark.parametrize("name", FIGURES)
def test_text_takes_the_pages_colour_and_numbers_are_finite(name: str) -> None:
    figure = FIGURES[name]()
    body = json.loads(figure.to_json())
    assert "color" not in body["layout"].get("font", {})
    for data in body["data"]:
        assert "color" not in data.get("textfont", {})
        assert None not in data["x"]
    for note in body["layout"].get("annotations", []):
        assert "color" not in note.get("font", {})
    assert "NaN" not in figure.to_json()
    assert figure.layout.height


@pytest.mark.parametrize("axis", AXES)
def test_released_networks_stand_off_the_curve(axis: str) -> None:
    figure = charts.law_curve(axis)
    points = trace(figure, "released")
    assert list(points.text) == [f"B{i}" for i in range(9)]
    assert list(points.x) == list(range(9))
    assert list(points.y) == [getattr(VARIANTS[f"b{i}"], axis) for i in range(9)]
    law = dict(zip(trace(figure, "the law").x, trace(figure, "the law").y, strict=True))
    base = {"depth": 1.2, "width": 1.1, "resolution": 1.15}[axis]
    first = 224 if axis == "resolution" else 1
    assert law[4.0] == pytest.approx(first * base**4)
    assert points.y[1] != pytest.approx(law[1.0], rel=0.02)


def test_by_cost_l2_is_there_too() -> None:
    points = trace(charts.law_curve("depth", "cost"), "released")
    assert [t.lower() for t in points.text] == list(SCALED)
    assert points.x[7] == pytest.approx(7.02, abs=0.01)


def test_cost_growth_shows_the_real_networks() -> None:
    figure = charts.cost_growth()
    points = trace(figure, "released")
    assert points.y[7] == pytest.approx(97.83, abs=0.01)
    spread = (points.x[7] - points.error_x.arrayminus[7], points.x[7] + points.error_x.array[7])
    assert spread == pytest.approx((6.206, 7.273), abs=1e-3)
    steps = trace(figure, "networks of the law, rounded")
    at = dict(zip((round(x, 3) for x in steps.x), steps.y, strict=True))
    assert at[1.0] == pytest.approx(scale(1).macs / spec_for("b0").macs)
    assert trace(figure, "1.92 to the phi").y[1] == pytest.approx(1.92027**8.5, rel=1e-4)


def test_with_constants_of_one_there_is_still_a_figure() -> None:
    ones = {"alpha": 1.0, "beta": 1.0, "gamma": 1.0}
    assert len(trace(charts.cost_growth(**ones), "released").x) == 0
    assert len(trace(charts.law_curve("depth", "cost", **ones), "released").x) == 0
    with pytest.raises(SpecError):
        charts.cost_growth(alpha=0.5)
    with pytest.raises(SpecError):
        charts.law_curve("depth", gamma=99)


def test_accuracies_are_the_printed_ones() -> None:
    figure, rows = charts.family_accuracy(), reference_variants()
    for title, column in (
        ("paper, version 5", "paper_v5_top1"), ("paper, version 1", "paper_v1_top1"),
        ("torchvision, V1 weights", "tv_v1_acc1"),
    ):  # fmt: skip
        assert list(trace(figure, title).y) == [float(rows[f"b{i}"][column]) for i in range(8)]
    macs = [int(rows[f"b{i}"]["macs_native_conv_plus_linear"]) for i in range(8)]
    assert list(trace(figure, "paper, version 5").x) == macs
    assert "plain" in figure.data[-1].name
    assert list(figure.data[-1].y)[6:] == [None, None]


def test_counted_and_printed_sizes_stand_side_by_side() -> None:
    figure = charts.family_size("macs")
    assert trace(figure, "counted here").y[4] == 4_393_771_024
    assert trace(figure, "printed in the paper").y[4] == 4.2e9
    assert list(trace(figure, "printed in the paper").customdata)[:2] == ["0.39B", "0.70B"]


def test_one_axis() -> None:
    figure = charts.axis_costs(FOUND, "B3")
    assert [t.name.split(" ")[0] for t in figure.data if t.mode == "lines"] == list(AXES)
    target = spec_for("b3").macs / spec_for("b0").macs
    for dot in (t for t in figure.data if t.mode == "markers"):
        assert dot.y[0] == pytest.approx(target, rel=0.05)
    table7 = charts.paper_one_axis().data[0]
    assert dict(zip(table7.y, table7.x, strict=True)) == {
        "B0": 77.3, "depth alone": 79.0, "width alone": 78.9, "resolution alone": 79.1,
        "all three": 81.1,
    }  # fmt: skip
