"""The law and the rounding against hand arithmetic and known figures."""

from __future__ import annotations

import math

import pytest

from effnet import scale, spec_for
from effnet.architecture.scaling import (
    cost_factor,
    law,
    rebuild,
    round_channels,
    round_repeats,
    squeeze_channels,
)
from effnet.errors import SpecError


def test_the_law_at_whole_phi() -> None:
    """Integer phi gives 258, 296 .. 596 px, none of them a released resolution."""
    assert [law(phi).pixels for phi in range(8)] == [224, 258, 296, 341, 392, 451, 518, 596]
    assert cost_factor() == pytest.approx(1.92027, abs=5e-6)
    assert law(-4).pixels == 128  # 224 / 1.15^4 = 128.07
    assert law(2).width == pytest.approx(1.21)
    assert law(2).depth == pytest.approx(1.44)


def test_phi_1_has_the_channels_and_blocks_of_b2_but_not_its_resolution() -> None:
    one, b2 = scale(1), spec_for("b2")
    assert one.params == b2.params == 9_109_994
    assert (one.resolution, b2.resolution) == (258, 260)


@pytest.mark.parametrize(
    ("channels", "width", "rounded"),
    [
        (32, 1.1, 32),  # 35.2 -> 32, which is 9.1 % below: allowed
        (24, 1.1, 24),  # 26.4 -> 24, 9.1 % below
        (16, 1.2, 24),  # 19.2 -> 16 would lose 17 %: one multiple more
        (40, 1.2, 48),
        (1280, 1.2, 1536),
        (320, 4.3, 1376),
        (16, 0.25, 8),  # never below 8
        (32, 0.01, 8),
    ],
)
def test_channels_round_to_eights(channels: int, width: float, rounded: int) -> None:
    assert round_channels(channels, width) == rounded


def test_repeats_round_up() -> None:
    """B1: depth 1.1 makes 23 blocks of 16, 44 % more."""
    repeats = [round_repeats(n, 1.1) for n in (1, 2, 2, 3, 3, 4, 1)]
    assert repeats == [2, 3, 3, 4, 4, 5, 2]
    assert sum(repeats) / 16 == pytest.approx(1.4375)


def test_squeeze_channels_come_from_the_block_input() -> None:
    assert squeeze_channels(24, 6) == 6
    assert squeeze_channels(24, 6, "expanded") == 36
    assert squeeze_channels(3, 6) == 1  # int(0.75) would be 0


@pytest.mark.parametrize("phi", [-9.5, -6, -1.3, 0, 0.5, 2.75, 6.2])
def test_any_real_phi_gives_a_network_that_adds_up(phi: float) -> None:
    spec = scale(phi)
    assert spec.cost()[:2] == (spec.params, spec.macs)
    assert spec.resolution == round(224 * 1.15**phi)
    assert all(b.out_channels % 8 == 0 for b in spec.blocks)
    assert spec.config.phi == phi


def test_a_hand_given_number_wins_over_the_law() -> None:
    spec = scale(2, width=1.0, resolution=300)
    assert (spec.width, spec.resolution) == (1.0, 300)
    assert spec.depth == pytest.approx(1.44)


def test_rebuild_changes_only_what_it_is_told() -> None:
    spec = rebuild(spec_for("b3"), resolution=320)
    assert (spec.resolution, spec.params) == (320, spec_for("b3").params)
    with pytest.raises(SpecError, match="no setting called wisdom"):
        rebuild(spec, wisdom=1)


@pytest.mark.parametrize(
    "bad",
    [
        {"phi": math.nan}, {"phi": math.inf}, {"phi": 1000}, {"phi": -30}, {"phi": 40},
        {"phi": 1, "alpha": 0.5}, {"phi": 1, "beta": math.nan}, {"phi": 1, "gamma": 99},
        {"width": 0}, {"width": -1}, {"width": 1e9}, {"width": math.nan}, {"depth": 1e9},
        {"depth": 0}, {"resolution": 7}, {"resolution": 10**6}, {"resolution": 0},
        {"phi": 30, "resolution": 224}, {"num_classes": 0}, {"padding": "valid"},
        {"bn_eps": 0}, {"dropout": 1.0}, {"wisdom": 3}, {"se_reduce_from": "output"},
    ],
)  # fmt: skip
def test_impossible_networks_are_refused_in_one_sentence(bad: dict[str, float]) -> None:
    with pytest.raises(SpecError) as error:
        scale(**bad)  # type: ignore[arg-type]
    sentence = str(error.value)
    assert 20 < len(sentence) < 200
    assert "\n" not in sentence
