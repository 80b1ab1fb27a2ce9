"""All fifteen released networks against the figures that six libraries agree on."""

from __future__ import annotations

import pytest

from effnet import spec_for
from effnet.architecture.variants import RELEASED as OURS
from effnet.errors import SpecError
from tests.conftest import RELEASED, reference_blocks, reference_variants

FIELDS = {
    "kernel": "kernel", "stride": "stride", "expand_ratio": "expand_ratio",
    "in_channels": "in_ch", "expanded_channels": "expanded_ch", "se_channels": "se_ch",
    "out_channels": "out_ch", "residual": "residual", "in_size": "in_hw", "out_size": "out_hw",
    "params": "params", "macs": "macs",
}  # fmt: skip


def test_the_same_fifteen_networks() -> None:
    assert set(OURS) == set(RELEASED) == set(reference_blocks())


@pytest.mark.parametrize("name", RELEASED)
def test_every_block_equals_the_reference(name: str) -> None:
    spec, reference = spec_for(name), reference_blocks()[name]
    ours = [{theirs: getattr(b, mine) for mine, theirs in FIELDS.items()} for b in spec.blocks]
    wanted = [{key: b[key] for key in FIELDS.values()} for b in reference["blocks"]]
    assert ours == wanted
    addresses = [f"{b['stage'] + 1}.{b['block_in_stage']}" for b in reference["blocks"]]
    assert list(spec.block_ids) == addresses


@pytest.mark.parametrize("name", RELEASED)
def test_whole_network_equals_the_reference(name: str) -> None:
    spec, row, reference = spec_for(name), reference_variants()[name], reference_blocks()[name]
    assert (spec.width, spec.depth) == (float(row["width_mult"]), float(row["depth_mult"]))
    assert spec.resolution == int(row["native_resolution"])
    assert spec.config.dropout == float(row["dropout"])
    assert spec.config.drop_connect == float(row["drop_connect_rate"])
    assert spec.stem_channels == int(row["stem_ch"])
    assert spec.head_channels == int(row["head_ch"])
    assert "-".join(str(s.out_channels) for s in spec.stages) == row["stage_out_ch"]
    assert "-".join(str(s.repeats) for s in spec.stages) == row["stage_repeats"]
    assert spec.head_size == int(row["final_feature_hw"])
    assert spec.params == int(row["params_trainable"])
    assert spec.macs == int(row["macs_native_conv_plus_linear"])
    assert spec.se_macs == int(row["macs_of_which_se"])
    assert spec.cost("stem").params == reference["stem"]["params"]
    head = reference["head"]["params"] + reference["classifier"]["params"]
    assert spec.cost("head").params == head


@pytest.mark.parametrize("name", RELEASED)
def test_operations_add_up_to_the_closed_forms(name: str) -> None:
    spec, row = spec_for(name), reference_variants()[name]
    assert spec.cost()[:2] == (spec.params, spec.macs)
    for block in spec.blocks:
        assert spec.cost(block.id)[:2] == (block.params, block.macs)
    depthwise = sum(op.macs for op in spec.operations if op.groups > 1)
    assert depthwise == int(row["macs_of_which_depthwise"])
    stages = [spec.cost(n) for n in range(1, 10)]
    assert tuple(map(sum, zip(*stages, strict=True))) == spec.cost()


def test_the_common_mistake_costs_three_million_parameters() -> None:
    """The SE width from the expanded channels, B0 to B7."""
    wrong = [8423848, 13336204, 15678504, 21530032, 34927246, 56146944, 80444154, 125844160]
    ours = [spec_for(f"b{i}", se_reduce_from="expanded").params for i in range(8)]
    assert ours == wrong


def test_se_share_of_b0_and_b7() -> None:
    assert (spec_for("b0").se_params, spec_for("b7").se_params) == (636_540, 11_973_104)


def test_names_are_forgiving_and_errors_name_the_choices() -> None:
    assert spec_for("EfficientNet-B0") is spec_for("b0")
    with pytest.raises(SpecError, match="choose one of b0, b1"):
        spec_for("b9")
    with pytest.raises(SpecError, match=r"7\.1 to 7\.4, 8\.1\.$"):
        spec_for("b0").block("9.1")
