"""The data checks itself; shapes, receptive field and memory against hand arithmetic."""

from __future__ import annotations

import dataclasses
import json

import pytest

from effnet import spec_for
from effnet.architecture.spec import Block, Config, Stage
from effnet.errors import SpecError

GOOD = {
    "stage": 4, "repeat": 2, "kernel": 5, "stride": 1, "expand_ratio": 6, "in_channels": 40,
    "out_channels": 40, "se_channels": 10, "in_size": 28, "drop_connect": 0.05,
}  # fmt: skip


def test_a_block_by_hand() -> None:
    """B0's 4.2: 40 -> 240, 5x5, SE 10."""
    block = Block(**GOOD)
    expand, depthwise = 40 * 240 + 480, 25 * 240 + 480
    se, project = 240 * 10 + 10 + 10 * 240 + 240, 240 * 40 + 80
    assert block.params == expand + depthwise + se + project == 31_290
    assert block.macs == 28 * 28 * (40 * 240 + 25 * 240 + 240 * 40) + 2 * 240 * 10
    assert (block.id, block.kind, block.residual) == ("4.2", "MBConv6", True)


@pytest.mark.parametrize(
    "wrong",
    [{"kernel": 4}, {"stride": 3}, {"in_channels": 0}, {"stage": 9}, {"se_channels": 0},
     {"expand_ratio": 0}, {"in_size": 0}, {"out_channels": 10**7}, {"drop_connect": 1.0}],
)  # fmt: skip
def test_an_impossible_block_cannot_be_made(wrong: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        Block(**{**GOOD, **wrong})


def test_stages_and_specs_refuse_what_does_not_fit() -> None:
    spec = spec_for("b0")
    with pytest.raises(SpecError, match="calls itself"):
        Stage(number=4, blocks=(Block(**GOOD),))
    with pytest.raises(SpecError, match="does not fit"):
        dataclasses.replace(spec, stem_channels=40)
    with pytest.raises(SpecError, match="stages 2 to 8"):
        dataclasses.replace(spec, stages=spec.stages[:-1])
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.stem_channels = 8  # type: ignore[misc]


def test_operations_of_b0_3_1_by_hand() -> None:
    """16 -> 96 -> 24 at stride 2: the shapes of the first block of stage 3."""
    steps = [(op.part, op.name, op.out_shape) for op in spec_for("b0").operations_of("3.1")]
    assert steps == [
        ("expand", "conv", (96, 112, 112)), ("expand", "norm", (96, 112, 112)),
        ("expand", "act", (96, 112, 112)), ("depthwise", "conv", (96, 56, 56)),
        ("depthwise", "norm", (96, 56, 56)), ("depthwise", "act", (96, 56, 56)),
        ("se", "squeeze", (96, 1, 1)), ("se", "reduce", (4, 1, 1)), ("se", "act", (4, 1, 1)),
        ("se", "expand", (96, 1, 1)), ("se", "sigmoid", (96, 1, 1)), ("se", "scale", (96, 56, 56)),
        ("project", "conv", (24, 56, 56)), ("project", "norm", (24, 56, 56)),
    ]  # fmt: skip


def test_block_forms() -> None:
    """MBConv1 has no expansion, Lite no SE, and only residual blocks add their input."""
    b0, lite = spec_for("b0"), spec_for("lite0")
    assert "expand" not in {op.part for op in b0.operations_of("2.1")}
    assert not any(op.part == "se" for op in lite.operations)
    for block in b0.blocks:
        names = [op.name for op in b0.operations_of(block.id)]
        assert ("add" in names) == block.residual
        assert names.count("sigmoid") == 1
    assert len({op.id for op in b0.operations}) == len(b0.operations)


def test_drop_connect_grows_linearly_over_the_real_number_of_blocks() -> None:
    """rate_i = 0.2 * i / N; B7's last block 0.2 * 54 / 55, not 0.675 as in one port."""
    rates = [b.drop_connect for b in spec_for("b7").blocks]
    assert rates[0] == 0
    assert rates[-1] == pytest.approx(0.2 * 54 / 55)
    assert spec_for("b0").block("3.2").drop_connect == pytest.approx(0.2 * 2 / 16)


def test_receptive_field_by_hand() -> None:
    """r += (k - 1) * jump; jump *= stride, along the main branch of B0."""
    field, jump = 3, 2  # stem
    for kernel, stride, repeats in [
        (3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 2, 3), (5, 1, 3), (5, 2, 4), (3, 1, 1),
    ]:  # fmt: skip
        for repeat in range(repeats):
            field += (kernel - 1) * jump
            jump *= stride if repeat == 0 else 1
    last = spec_for("b0").operations_of("8.1")[-1]
    assert (last.receptive_field, last.total_stride) == (field, jump) == (851, 32)


def test_activation_bytes_by_hand() -> None:
    """The stem writes conv, norm and act: three maps of 32 x 112 x 112 floats."""
    assert spec_for("b0").cost("stem").activation_bytes == 3 * 32 * 112 * 112 * 4
    dropped = [op for op in spec_for("b0").operations if op.name in ("drop", "dropout")]
    assert dropped
    assert all(op.activation_bytes == 0 for op in dropped)


def test_json_has_the_promised_fields_and_round_trips() -> None:
    body = json.loads(json.dumps(spec_for("lite0").to_dict()))
    assert {"name", "width", "depth", "resolution", "params", "macs", "stages", "blocks"} <= set(
        body
    )
    block = body["blocks"][0]
    assert {"id", "stage", "kernel", "stride", "expand_ratio", "in_channels", "expanded_channels",
            "se_channels", "out_channels", "residual", "in_size", "out_size", "params",
            "macs"} <= set(block)  # fmt: skip
    assert block["se_channels"] is None
    assert Config(**body["config"]) == spec_for("lite0").config


def test_table_1_of_the_paper() -> None:
    rows = spec_for("b0").stage_rows()
    assert [r["stage"] for r in rows] == list(range(1, 10))
    assert [r["resolution"] for r in rows] == [224, 112, 112, 56, 28, 14, 14, 7, 7]
    assert [r["channels"] for r in rows] == [32, 16, 24, 40, 80, 112, 192, 320, 1280]
    assert [r["repeats"] for r in rows] == [1, 1, 2, 2, 3, 3, 4, 1, 1]
    assert rows[3]["operator"] == "MBConv6, k5x5"
    assert rows[3]["se_channels"] == [6, 10]
    with pytest.raises(SpecError):
        spec_for("b0").cost(10)
