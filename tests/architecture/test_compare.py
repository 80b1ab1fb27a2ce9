"""Two networks side by side, against the reference of each."""

from __future__ import annotations

from itertools import combinations

import pytest

from effnet import scale, spec_for
from effnet.architecture.compare import (
    FIELDS,
    blocks,
    family,
    rows,
    stages,
    summary,
    totals,
)
from tests.conftest import RELEASED, reference_blocks, reference_variants

B0, B4, LITE0 = spec_for("b0"), spec_for("b4"), spec_for("lite0")


def test_a_network_does_not_differ_from_itself() -> None:
    for spec in (B0, LITE0):
        assert all(not p.differing for p in (*stages(spec, spec), *blocks(spec, spec)))
        assert summary(spec, spec) == ("The two networks are the same.",)
        assert {t.ratio for t in totals(spec, spec)} == {1.0}


def test_stages_of_b0_and_b4_by_hand() -> None:
    pairs = stages(B0, B4)
    assert [p.place for p in pairs] == list("123456789")
    four = pairs[3]
    assert four.a
    assert four.b
    assert (four.a.channels, four.b.channels) == (40, 56)
    assert (four.a.repeats, four.b.repeats) == (2, 4)
    assert (four.a.se, four.b.se) == ("6, 10", "8, 14")
    assert (four.a.out_size, four.b.out_size) == (28, 48)
    assert "operator" not in four.differing
    assert {"channels", "repeats", "params", "macs", "receptive_field"} <= set(four.differing)
    assert pairs[7].a
    assert pairs[7].a.receptive_field == 851  # by hand in test_spec.py


@pytest.mark.parametrize(("a", "b"), [("b0", "b4"), ("b1", "lite1"), ("b7", "l2"), ("lite0", "b8")])
def test_blocks_are_aligned_by_address(a: str, b: str) -> None:
    left, right = reference_blocks()[a]["blocks"], reference_blocks()[b]["blocks"]
    params = [
        {f"{x['stage'] + 1}.{x['block_in_stage']}": x["params"] for x in side}
        for side in (left, right)
    ]
    pairs = blocks(spec_for(a), spec_for(b))
    assert {p.place for p in pairs} == {*params[0], *params[1]}
    assert [p.place for p in pairs] == sorted(
        (p.place for p in pairs), key=lambda x: tuple(map(int, x.split(".")))
    )
    for pair in pairs:
        assert (pair.a.params if pair.a else None) == params[0].get(pair.place)
        assert (pair.b.params if pair.b else None) == params[1].get(pair.place)
        if pair.a is None or pair.b is None:
            assert pair.differing == FIELDS


@pytest.mark.parametrize(("a", "b"), list(combinations(("b0", "b3", "lite2", "l2"), 2)))
def test_parts_add_up_to_the_totals(a: str, b: str) -> None:
    left, right = spec_for(a), spec_for(b)
    whole = {t.name: t for t in totals(left, right)}
    for name, key in (("Parameters", "params"), ("MACs", "macs")):
        pairs = stages(left, right)
        assert sum(getattr(p.a, key) for p in pairs) == whole[name].a
        assert sum(getattr(p.b, key) for p in pairs) == whole[name].b
        column = "params_trainable" if key == "params" else "macs_native_conv_plus_linear"
        assert whole[name].a == int(reference_variants()[a][column])
        assert whole[name].b == int(reference_variants()[b][column])


def test_official_and_expanded_se() -> None:
    """Only SE differs, 5,288,548 against 8,423,848 parameters; stage 2 is untouched."""
    wrong = spec_for("b0", se_reduce_from="expanded")
    pairs = stages(B0, wrong)
    assert {f for p in pairs for f in p.differing} == {"se", "params", "macs", "activation_bytes"}
    assert [p.place for p in pairs if not p.differing] == ["1", "2", "9"]
    text = " ".join(summary(B0, wrong))
    assert "636,540 parameters in A and 3,771,840 in B" in text
    whole = {t.name: (t.a, t.b) for t in totals(B0, wrong)}
    assert whole["Parameters"] == (5_288_548, 8_423_848)


def test_phi_1_and_b2_differ_only_by_two_pixels() -> None:
    pairs = stages(scale(1), spec_for("b2"))
    assert all(p.same_structure for p in pairs)
    assert summary(scale(1), spec_for("b2"))[0].startswith("Against A, B has the same parameters")
    assert "260 px against 258 px" in summary(scale(1), spec_for("b2"))[1]


def test_sentences_of_b0_and_lite0() -> None:
    said = summary(B0, LITE0)
    assert "B has no squeeze-and-excitation; in A it holds 636,540 parameters." in said
    assert "The activation is SiLU in A and ReLU6 in B." in said
    assert summary(LITE0, B0)[1].startswith("A has no squeeze-and-excitation; in B")
    assert "Alike in operators, channels, repeats and SE: stages 1 and 9." in said
    one = summary(scale(2, beta=1.2), spec_for("b3"))
    assert one[-1] == "Alike in operators, channels, repeats and SE: stage 3."
    assert all(len(s) < 160 for s in said)


def test_rows_are_flat_and_of_one_shape() -> None:
    table = rows(blocks(B0, B4))
    assert {frozenset(row) for row in table} == {frozenset(table[0])}
    missing = next(row for row in table if row["place"] == "4.4")
    assert missing["a_channels"] == ""
    assert missing["b_channels"] == 56


def test_the_family() -> None:
    table = {row["name"]: row for row in family()}
    assert set(table) == {*RELEASED, "mini"}
    for name in RELEASED:
        row, reference = table[name], reference_variants()[name]
        assert row["params"] == int(reference["params_trainable"])
        assert row["macs"] == int(reference["macs_native_conv_plus_linear"])
        assert row["resolution"] == int(reference["native_resolution"])
        assert row["blocks"] == int(reference["num_mbconv_blocks"])
        assert row["head_channels"] == int(reference["head_ch"])
    assert table["b7"]["macs_over_b0"] == pytest.approx(97.83, abs=0.01)
