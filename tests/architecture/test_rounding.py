"""The steps that are shown end in the network that is built; sentences against hand arithmetic."""

from __future__ import annotations

import pytest

from effnet import scale, spec_for
from effnet.architecture.rounding import (
    channel_rounding,
    depth_in_blocks,
    number,
    repeat_rounding,
    scaled_stages,
    stage_rounding,
)
from effnet.errors import SpecError
from tests.conftest import RELEASED


@pytest.mark.parametrize("name", [*RELEASED, "mini", "tiny"])
def test_the_steps_end_in_the_network(name: str) -> None:
    spec = spec_for(name)
    assert stage_rounding(spec, 1).channels.result == spec.stem_channels
    assert stage_rounding(spec, 9).channels.result == spec.head_channels
    for stage in spec.stages:
        found = stage_rounding(spec, stage.number)
        assert found.channels.result == stage.out_channels
        assert found.repeats
        assert found.repeats.result == stage.repeats
        for steps in (found.channels.steps, found.repeats.steps):
            assert str(steps[-1]).rstrip(".").endswith(("already", str(found.channels.result), str(found.repeats.result)))  # fmt: skip


@pytest.mark.parametrize("width", [0.25, 0.55, 1.0, 1.1, 1.2, 1.37, 1.4, 2.0, 4.3])
@pytest.mark.parametrize("base", [16, 24, 32, 40, 320, 1280])
def test_the_90_percent_rule(base: int, width: float) -> None:
    found = channel_rounding(base, width)
    assert found.nearest % 8 == 0
    assert abs(found.nearest - found.exact) <= 4 or found.nearest == 8
    assert found.raised == (found.nearest < 0.9 * base * width)
    assert found.result == found.nearest + 8 * found.raised


def test_b3_stage_2_by_hand() -> None:
    """16 x 1.2 = 19.2; 16 would lose 17 %, so 24."""
    found = channel_rounding(16, 1.2)
    assert (found.nearest, found.raised, found.result) == (16, True, 24)
    assert found.steps == (
        "16 × 1.2 = 19.2 channels.",
        "16 is the nearest multiple of 8.",
        "90 % of 19.2 is 17.28: no more than 10 % may be lost.",
        "16 is less than 17.28, so it becomes the next multiple: 24.",
    )


def test_repeats_by_hand() -> None:
    assert repeat_rounding(2, 1.1).steps == (
        "2 × 1.1 = 2.2 blocks.",
        "Repeats are always rounded up: 3.",
    )
    assert repeat_rounding(3, 2.0).steps == ("3 × 2 = 6, a whole number already.",)


def test_why_b1_has_44_percent_more_blocks() -> None:
    assert depth_in_blocks(spec_for("b1")) == (
        "Depth 1.1 asks for 10 % more blocks. Each stage is rounded up by itself, "
        "so 16 blocks become 23: 44 % more."
    )
    assert "66.5 % fewer blocks" in depth_in_blocks(spec_for("mini"))
    assert depth_in_blocks(spec_for("b0")) == "Depth 1 leaves B0's 16 blocks as they are."


def test_lite_keeps_its_ends() -> None:
    lite = spec_for("lite4")
    assert stage_rounding(lite, 1).channels.steps == (
        "Lite does not scale this width: it stays at 32.",
    )
    assert stage_rounding(lite, 2).repeats.result == 1  # type: ignore[union-attr]
    assert stage_rounding(lite, 9).channels.result == 1280


def test_the_scaled_table() -> None:
    rows = scaled_stages(scale(1))
    assert [r.stage for r in rows] == list(range(1, 10))
    assert [r.repeats for r in rows] == [1, 2, 3, 3, 4, 4, 5, 2, 1]
    assert [r.channels for r in rows] == [32, 16, 24, 48, 88, 120, 208, 352, 1408]
    assert rows[3].exact_channels == pytest.approx(44)
    assert rows[3].exact_repeats == pytest.approx(2.4)
    assert rows[3].out_size == 33


def test_numbers_and_refusals() -> None:
    assert [number(n) for n in (2.0, 17.28, 1536.0, 0.33333, 240)] == [
        "2",
        "17.28",
        "1,536",
        "0.333",
        "240",
    ]
    with pytest.raises(SpecError, match="there is no stage 10"):
        stage_rounding(spec_for("b0"), 10)
