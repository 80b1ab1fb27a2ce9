"""Implied phi and real growth against figures found by hand."""

from __future__ import annotations

import math

import pytest

from effnet import scale, spec_for
from effnet.architecture.growth import (
    SCALED,
    fit,
    growth,
    implied_phi,
    law_growth,
    verdict,
)
from effnet.architecture.spec import Spec
from effnet.architecture.variants import VARIANTS
from effnet.errors import SpecError

IMPLIED = {
    "b0": (0, 0, 0), "b1": (0.523, 0.000, 0.494), "b2": (1.000, 1.000, 1.066),
    "b3": (1.845, 1.913, 2.090), "b4": (3.224, 3.530, 3.782), "b5": (4.325, 4.931, 5.086),
    "b6": (5.241, 6.167, 6.135), "b7": (6.206, 7.273, 7.050), "b8": (7.026, 8.273, 7.861),
    "l2": (9.147, 15.304, 9.108),
}  # fmt: skip
DOUBLINGS = {
    "b0": 0, "b1": 0.832, "b2": 1.365, "b3": 2.244, "b4": 3.509, "b5": 4.734, "b6": 5.627,
    "b7": 6.612,
}  # fmt: skip


@pytest.mark.parametrize("name", SCALED)
def test_implied_phi(name: str) -> None:
    found = implied_phi(VARIANTS[name])
    assert [round(phi, 3) for phi in found.values] == pytest.approx(list(IMPLIED[name]))
    assert found.spread == pytest.approx(max(IMPLIED[name]) - min(IMPLIED[name]), abs=2e-3)


@pytest.mark.parametrize("name", DOUBLINGS)
def test_real_growth(name: str) -> None:
    assert round(growth(spec_for(name)).doublings, 3) == DOUBLINGS[name]


def test_growth_of_b7_by_hand() -> None:
    b7 = growth(spec_for("b7"))
    assert b7.macs == 37_745_884_192
    assert b7.ratio == pytest.approx(37_745_884_192 / 385_814_752)
    assert round(b7.ratio, 1) == 97.8
    assert b7.phi_by_cost == pytest.approx(b7.doublings / math.log2(1.2 * 1.1**2 * 1.15**2))


def test_an_axis_that_never_moves_implies_nothing() -> None:
    found = implied_phi(VARIANTS["b3"], beta=1)
    assert found.phi_width is None
    assert len(found.values) == 2
    assert implied_phi(VARIANTS["b3"], alpha=1, beta=1, gamma=1).spread == 0
    assert growth(spec_for("b3"), alpha=1, beta=1, gamma=1).phi_by_cost is None


def test_no_phi_gives_a_released_network_even_after_rounding() -> None:
    """The ranges are checked against networks: at each common phi the law would give the network."""
    for name in SCALED[1:]:
        found = fit(name)
        assert found.depth
        assert found.width
        assert found.resolution
        assert found.common is None
        config = VARIANTS[name]
        middle = sum(found.width) / 2
        assert widths(scale(width=1.1**middle)) == widths(scale(width=config.width))
        middle = sum(found.depth) / 2
        deep = [s.repeats for s in scale(depth=1.2**middle).stages]
        assert deep == [s.repeats for s in scale(depth=config.depth).stages]
        assert round(224 * 1.15 ** (sum(found.resolution) / 2)) == config.resolution
    assert "no single phi gives any of B1 to B7" in verdict()


def widths(spec: Spec) -> list[int]:
    return [spec.stem_channels, *(s.out_channels for s in spec.stages), spec.head_channels]


def test_just_outside_a_range_the_network_is_another() -> None:
    low, high = fit("b4").width or (0, 0)
    wanted = widths(spec_for("b4"))
    for phi, same in (
        (low - 1e-6, False),
        (low + 1e-6, True),
        (high - 1e-6, True),
        (high + 1e-6, False),
    ):
        assert (widths(scale(width=1.1**phi)) == wanted) == same


def test_b2_has_the_channels_of_phi_1_but_not_its_pixels() -> None:
    b2 = fit("b2")
    assert b2.width
    assert b2.width[0] <= 1 <= b2.width[1]
    assert b2.resolution
    assert b2.resolution[0] > b2.width[1]


def test_with_constants_made_for_it_the_law_does_give_b1() -> None:
    assert verdict(1.1, 1.0, 240 / 224).startswith("With these constants the law gives B1 (phi 1).")
    found = fit("b1", alpha=1.1, beta=1.0, gamma=240 / 224)
    assert found.common
    assert found.common[0] <= 1 < found.common[1]


def test_the_laws_own_networks_grow_by_steps() -> None:
    points = law_growth(0, 8, 81)
    assert len(points) == 81
    ratios = [ratio for _, ratio in points]
    assert ratios == sorted(ratios)
    assert ratios[0] == 1
    assert dict(points)[1.0] == pytest.approx(scale(1).macs / spec_for("b0").macs)
    assert len(law_growth(0, 60, 61)) < 30  # beyond the limits there is no network


@pytest.mark.parametrize("bad", [{"alpha": 0.9}, {"beta": math.nan}, {"gamma": 4}])
def test_constants_out_of_range_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(SpecError, match="must be a number from 1 to 3"):
        implied_phi(VARIANTS["b1"], **bad)
    with pytest.raises(SpecError):
        fit("b1", **bad)
    with pytest.raises(SpecError, match="not B0 made larger"):
        fit("lite0")
