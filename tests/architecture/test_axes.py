"""One axis alone: the networks found are the nearest there are, and their costs are real."""

from __future__ import annotations

import pytest

from effnet import spec_for
from effnet.architecture.axes import alone, along, curve, printed_networks
from effnet.architecture.growth import AXES
from effnet.architecture.published import count
from effnet.errors import SpecError


@pytest.mark.parametrize("name", ["b1", "b2", "b3", "b4", "b5", "b6"])
@pytest.mark.parametrize("axis", AXES)
def test_nothing_comes_nearer(axis: str, name: str) -> None:
    target = spec_for(name).macs
    found = alone(axis, target)
    assert found.reached
    assert 0.9 < found.ratio < 1.1
    assert along(axis, found.factor).macs == found.spec.macs
    off = max(found.ratio, 1 / found.ratio)
    for step in (0.9, 0.97, 0.99, 0.995, 1.005, 1.01, 1.03, 1.1):
        other = along(axis, found.factor * step).macs / target
        assert max(other, 1 / other) >= off - 1e-12


@pytest.mark.parametrize("axis", AXES)
def test_only_one_axis_moves(axis: str) -> None:
    found, b0 = alone(axis, spec_for("b3").macs).spec, spec_for("b0")
    same = {
        "depth": [s.repeats for s in found.stages] == [s.repeats for s in b0.stages],
        "width": [s.out_channels for s in found.stages] == [s.out_channels for s in b0.stages],
        "resolution": found.resolution == b0.resolution,
    }
    assert [name for name, equal in same.items() if not equal] == [axis]


def test_resolution_alone_adds_no_parameter() -> None:
    assert alone("resolution", spec_for("b5").macs).spec.params == spec_for("b0").params


def test_the_papers_own_networks_counted() -> None:
    """Table 7 prints 1.8, 1.8, 1.9 and 1.8 billion; three of the four count to less."""
    counted = {row.name: spec.macs / count(row.flops) for row, spec in printed_networks()}
    assert counted["compound"] == pytest.approx(1.00, abs=0.005)
    assert counted["baseline"] == pytest.approx(0.96, abs=0.01)
    assert [round(counted[axis], 2) for axis in AXES] == [0.88, 0.81, 0.81]


def test_b0_costs_itself() -> None:
    for axis in AXES:
        found = alone(axis, spec_for("b0").macs)
        assert (found.factor, found.ratio) == (1.0, 1.0)


def test_what_cannot_be_reached_says_so() -> None:
    deep = alone("depth", spec_for("b7").macs)
    assert not deep.reached
    assert deep.said == "Depth alone cannot cost as much within 1,000 blocks."
    assert len(deep.spec.blocks) == 1000
    assert not alone("resolution", spec_for("l2").macs).reached
    assert not alone("resolution", 10).reached
    assert alone("width", spec_for("b7").macs).reached


def test_curves_grow() -> None:
    for axis in AXES:
        points = curve(axis, 3.0)
        assert points[0] == (1.0, 1.0)
        assert [r for _, r in points] == sorted(r for _, r in points)
    assert curve("width", 3.0)[-1][1] > 2 * curve("depth", 3.0)[-1][1]


@pytest.mark.parametrize(("axis", "target"), [("height", 10**9), ("depth", 0)])
def test_refusals(axis: str, target: int) -> None:
    with pytest.raises(SpecError):
        alone(axis, target)
    with pytest.raises(SpecError):
        along("depth", float("nan"))
