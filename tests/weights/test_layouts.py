"""The tables: a bijection for every network and layout, and every trap of the published names."""

from __future__ import annotations

import pytest

from effnet import spec_for
from effnet.architecture.variants import VARIANTS
from effnet.network.model import build_model
from effnet.weights.layouts import (
    COUNTER,
    KERAS,
    LAYOUTS,
    LUKEMELAS,
    OURS,
    TIMM,
    TORCHVISION,
    Layout,
    layout_of,
    rename,
    shapes_of,
)
from tests.conftest import reference_variants

FLOAT_TENSORS = {
    "b0": 311, "b1": 439, "b2": 439, "b3": 496, "b4": 610, "b5": 738, "b6": 852, "b7": 1037,
    "lite0": 247, "lite1": 322, "lite2": 322, "lite3": 367, "lite4": 457,
}  # fmt: skip
"""Counted in the state dicts of torchvision, timm, efficientnet_pytorch and the Lite packages."""


def theirs(layout: Layout, variant: str) -> dict[str, str]:
    return {ours: their.name for ours, their in rename(layout, spec_for(variant)).items()}


@pytest.mark.parametrize("variant", VARIANTS)
def test_our_names_and_shapes_are_the_modules(variant: str) -> None:
    model = build_model(spec_for(variant), device="meta")
    state = {k: tuple(v.shape) for k, v in model.state_dict().items() if not k.endswith(COUNTER)}
    assert shapes_of(model.spec) == state
    assert list(shapes_of(model.spec)) == list(state)
    if variant in FLOAT_TENSORS:
        assert len(state) == FLOAT_TENSORS[variant]


PAIRS = [
    (variant, layout) for variant in VARIANTS for layout in LAYOUTS.values()
    if VARIANTS[variant].se or layout.without_se  # torchvision has no network without SE
]  # fmt: skip


@pytest.mark.parametrize(("variant", "layout"), PAIRS, ids=[f"{v}-{la.name}" for v, la in PAIRS])
def test_every_map_is_a_bijection(variant: str, layout: Layout) -> None:
    spec = spec_for(variant)
    table = rename(layout, spec)
    assert list(table) == list(shapes_of(spec))
    assert len({their.name for their in table.values()}) == len(table)
    assert layout_of({their.name: () for their in table.values()}) is layout


def test_bijections_counted() -> None:
    print(f"{len(PAIRS)} pairs of network and layout, {len(VARIANTS)} networks")
    assert len(PAIRS) >= 79


def test_counters_belong_to_every_norm() -> None:
    """49 in B0: 360 keys in the file, 311 of them floats."""
    state = build_model(spec_for("b0"), device="meta").state_dict()
    assert sum(name.endswith(COUNTER) for name in state) == 49
    assert len(state) == 360


# --- the names as they stand in published files, by hand --------------------------------------

B0_BY_HAND = {
    # ours: torchvision, timm, lukemelas, Keras
    "stem.conv.weight":
        ("features.0.0.weight", "conv_stem.weight", "_conv_stem.weight", "stem_conv/kernel"),
    "stem.norm.running_var":
        ("features.0.1.running_var", "bn1.running_var", "_bn0.running_var", "stem_bn/moving_variance"),
    "blocks.2_1.depthwise.conv.weight":
        ("features.1.0.block.0.0.weight", "blocks.0.0.conv_dw.weight",
         "_blocks.0._depthwise_conv.weight", "block1a_dwconv/kernel"),
    "blocks.2_1.depthwise.norm.weight":
        ("features.1.0.block.0.1.weight", "blocks.0.0.bn1.weight", "_blocks.0._bn1.weight",
         "block1a_bn/gamma"),
    "blocks.2_1.se.reduce.bias":
        ("features.1.0.block.1.fc1.bias", "blocks.0.0.se.conv_reduce.bias",
         "_blocks.0._se_reduce.bias", "block1a_se_reduce/bias"),
    "blocks.2_1.project.conv.weight":
        ("features.1.0.block.2.0.weight", "blocks.0.0.conv_pw.weight",
         "_blocks.0._project_conv.weight", "block1a_project_conv/kernel"),
    "blocks.2_1.project.norm.bias":
        ("features.1.0.block.2.1.bias", "blocks.0.0.bn2.bias", "_blocks.0._bn2.bias",
         "block1a_project_bn/beta"),
    "blocks.3_1.expand.conv.weight":
        ("features.2.0.block.0.0.weight", "blocks.1.0.conv_pw.weight",
         "_blocks.1._expand_conv.weight", "block2a_expand_conv/kernel"),
    "blocks.3_1.expand.norm.running_mean":
        ("features.2.0.block.0.1.running_mean", "blocks.1.0.bn1.running_mean",
         "_blocks.1._bn0.running_mean", "block2a_expand_bn/moving_mean"),
    "blocks.3_2.depthwise.conv.weight":
        ("features.2.1.block.1.0.weight", "blocks.1.1.conv_dw.weight",
         "_blocks.2._depthwise_conv.weight", "block2b_dwconv/kernel"),
    "blocks.3_2.depthwise.norm.bias":
        ("features.2.1.block.1.1.bias", "blocks.1.1.bn2.bias", "_blocks.2._bn1.bias",
         "block2b_bn/beta"),
    "blocks.6_3.se.expand.weight":
        ("features.5.2.block.2.fc2.weight", "blocks.4.2.se.conv_expand.weight",
         "_blocks.10._se_expand.weight", "block5c_se_expand/kernel"),
    "blocks.7_4.project.conv.weight":
        ("features.6.3.block.3.0.weight", "blocks.5.3.conv_pwl.weight",
         "_blocks.14._project_conv.weight", "block6d_project_conv/kernel"),
    "blocks.8_1.project.norm.weight":
        ("features.7.0.block.3.1.weight", "blocks.6.0.bn3.weight", "_blocks.15._bn2.weight",
         "block7a_project_bn/gamma"),
    "head.conv.weight":
        ("features.8.0.weight", "conv_head.weight", "_conv_head.weight", "top_conv/kernel"),
    "head.norm.bias": ("features.8.1.bias", "bn2.bias", "_bn1.bias", "top_bn/beta"),
    "classifier.weight":
        ("classifier.1.weight", "classifier.weight", "_fc.weight", "predictions/kernel"),
    "classifier.bias": ("classifier.1.bias", "classifier.bias", "_fc.bias", "predictions/bias"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("layout", "column"), [(TORCHVISION, 0), (TIMM, 1), (LUKEMELAS, 2), (KERAS, 3)]
)
def test_names_of_b0_by_hand(layout: Layout, column: int) -> None:
    table = theirs(layout, "b0")
    assert {ours: table[ours] for ours in B0_BY_HAND} == {
        ours: names[column] for ours, names in B0_BY_HAND.items()
    }


def test_trap_timm_conv_pw_projects_without_expansion_and_expands_with_it() -> None:
    table = {name: ours for ours, name in theirs(TIMM, "b1").items()}
    assert table["blocks.0.1.conv_pw.weight"] == "blocks.2_2.project.conv.weight"
    assert table["blocks.1.0.conv_pw.weight"] == "blocks.3_1.expand.conv.weight"
    assert "blocks.0.0.conv_pwl.weight" not in table


def test_trap_timm_block_bn1_follows_the_depthwise_without_expansion() -> None:
    table = {name: ours for ours, name in theirs(TIMM, "b0").items()}
    assert table["blocks.0.0.bn1.running_mean"] == "blocks.2_1.depthwise.norm.running_mean"
    assert table["blocks.1.0.bn1.running_mean"] == "blocks.3_1.expand.norm.running_mean"


def test_trap_torchvision_indices_shift_by_one_without_expansion() -> None:
    table = {name: ours for ours, name in theirs(TORCHVISION, "b0").items()}
    assert table["features.1.0.block.0.0.weight"] == "blocks.2_1.depthwise.conv.weight"
    assert table["features.2.0.block.0.0.weight"] == "blocks.3_1.expand.conv.weight"
    assert table["features.1.0.block.2.0.weight"] == "blocks.2_1.project.conv.weight"
    assert "features.1.0.block.3.0.weight" not in table


def test_trap_the_same_norm_names_outside_and_inside_blocks() -> None:
    timm = {name: ours for ours, name in theirs(TIMM, "b0").items()}
    assert (timm["bn1.weight"], timm["bn2.weight"]) == ("stem.norm.weight", "head.norm.weight")
    luke = {name: ours for ours, name in theirs(LUKEMELAS, "b0").items()}
    assert (luke["_bn0.weight"], luke["_bn1.weight"]) == ("stem.norm.weight", "head.norm.weight")
    assert luke["_blocks.3._bn0.weight"] == "blocks.4_1.expand.norm.weight"


def test_trap_se_weights_are_four_dimensional_in_every_layout() -> None:
    for layout in LAYOUTS.values():
        for ours, their in rename(layout, spec_for("b0")).items():
            if ".se." in ours and ours.endswith("weight"):
                assert len(their.their_shape(shapes_of(spec_for("b0"))[ours])) == 4


def test_trap_lukemelas_counts_blocks_through_all_stages() -> None:
    """i = repeats of the earlier stages + b; B0's stages start at 0, 1, 3, 5, 8, 11, 15."""
    for variant in ("b0", "b5", "lite3"):
        repeats = [int(n) for n in reference_variants()[variant]["stage_repeats"].split("-")]
        table = theirs(LUKEMELAS, variant)
        starts = [sum(repeats[:s]) for s in range(7)]
        if variant == "b0":
            assert starts == [0, 1, 3, 5, 8, 11, 15]
        for stage, start in enumerate(starts, start=2):
            name = table[f"blocks.{stage}_1.depthwise.conv.weight"]
            assert name == f"_blocks.{start}._depthwise_conv.weight"


def test_trap_lite_has_no_se_and_stage_one_no_expansion() -> None:
    names = set(theirs(LUKEMELAS, "lite1").values())
    assert not any("_se_" in name for name in names)
    assert "_blocks.0._expand_conv.weight" not in names


def test_trap_keras_kernels_are_permuted_and_its_plain_bn_follows_the_depthwise() -> None:
    shapes, table = shapes_of(spec_for("b0")), rename(KERAS, spec_for("b0"))
    seen = {
        table[o].name: table[o].their_shape(shapes[o])
        for o in (
            "stem.conv.weight", "blocks.4_1.depthwise.conv.weight", "blocks.4_1.se.reduce.weight",
            "classifier.weight", "blocks.4_1.depthwise.norm.running_var",
        )
    }  # fmt: skip
    assert seen == {
        "stem_conv/kernel": (3, 3, 3, 32),
        "block3a_dwconv/kernel": (5, 5, 144, 1),
        "block3a_se_reduce/kernel": (1, 1, 144, 6),
        "predictions/kernel": (1280, 1000),
        "block3a_bn/moving_variance": (144,),
    }


def test_trap_keras_letters_go_on_after_the_tenth_block() -> None:
    assert theirs(KERAS, "b7")["blocks.7_13.depthwise.conv.weight"] == "block6m_dwconv/kernel"
    assert theirs(KERAS, "l2")["blocks.7_22.project.norm.bias"] == "block6v_project_bn/beta"


def test_ours_is_the_identity() -> None:
    table = rename(OURS, spec_for("b3"))
    assert all(their == (ours, None) for ours, their in table.items())
