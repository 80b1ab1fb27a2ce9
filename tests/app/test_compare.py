"""The Compare page: two networks of the reference, one opened stage, and wishes that cannot be."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from app import compared
from effnet import scale, spec_for
from tests.app.driving import assert_clean, component, open_page, words
from tests.conftest import reference_blocks, reference_variants

PAGE = "views/compare.py"


def totals(at: AppTest) -> dict[str, list[str]]:
    table = at.dataframe[0].value
    return {row.iloc[0]: list(row.iloc[1:]) for _, row in table.iterrows()}


def test_b0_and_b4_to_begin_with() -> None:
    at = open_page(PAGE)
    rows, reference = totals(at), reference_variants()
    assert rows["Parameters"] == [
        f"{int(reference['b0']['params_trainable']):,}",
        f"{int(reference['b4']['params_trainable']):,}", "×3.66",
    ]  # fmt: skip
    assert rows["MBConv blocks"] == ["16", "32", "×2"]
    assert "B is deeper: 32 MBConv blocks against 16." in words(at)
    table = at.dataframe[1].value
    assert list(table["Stage"]) == list("123456789")
    assert table["Channels"][3] == "▸ 40 → 56"
    assert table["Stride"][3] == "2"


def test_a_link_restores_both_sides() -> None:
    at = open_page(PAGE, a="Lite0", b="phi", b_phi="2.5", b_se="expanded")
    rows = totals(at)
    assert rows["Input"][:2] == ["224 px", f"{scale(2.5).resolution} px"]
    expected = scale(2.5, se_reduce_from="expanded").params
    assert rows["Parameters"][1] == f"{expected:,}"
    assert "From Lite0 to φ = 2.5, expanded SE" in words(at)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("B0 and B0 with B4's pictures", "Against A, B has the same parameters and 2.9"),
        ("B0 and Lite0", "B has no squeeze-and-excitation; in A it holds 636,540 parameters."),
        ("Official SE and expanded SE", "SE holds 636,540 parameters in A and 3,771,840 in B."),
        ("φ = 1 and B2", "Against A, B has the same parameters and 0.09 % more MACs."),
        ("B0 and B4", "Against A, B has 3.66 times the parameters and 11.4 times the MACs."),
    ],
)
def test_suggestions(name: str, sentence: str) -> None:
    at = open_page(PAGE, a="B7", b="phi", b_phi="3", a_se="expanded")
    at.button[next(i for i, b in enumerate(at.button) if b.label == name)].click().run()
    assert_clean(at)
    assert sentence in words(at)


def test_a_stage_opened_in_one_map_opens_in_both() -> None:
    at = open_page(PAGE)
    assert "4.2" in str(component(at, "map_a")["svg"])
    at.session_state[compared.OPENED] = 7  # what a click in either map puts there
    at.run()
    for key, blocks in (("map_a", 4), ("map_b", 8)):
        sent = component(at, key)
        assert len(re.findall(r"<title>7\.\d</title>", str(sent["svg"]))) == blocks
        assert "stage-7" not in sent["clickable"]  # type: ignore[operator]
        assert "stage-4" in sent["clickable"]  # type: ignore[operator]


def test_what_differs_is_tinted_and_only_that() -> None:
    at = open_page(PAGE, a="B0", b="B0", b_se="expanded")
    assert totals(at)["MACs"][2] == "+0.81 %"
    tints = component(at, "map_a")["tints"]
    assert isinstance(tints, dict)
    assert {"stage-1", "stage-2", "stage-9"} & set(tints) == set()
    assert {"stage-3", "stage-7", "4.1"} <= set(tints)
    marked = at.dataframe[1].value["Parameters"].str.startswith(compared.MARK)
    assert list(marked) == [False, False, True, True, True, True, True, True, False]


def test_blocks_and_the_family() -> None:
    at = open_page(PAGE, cmp="Blocks", a="B0", b="Lite4")
    table = at.dataframe[1].value
    assert len(table) == len(
        {
            f"{b['stage']}.{b['block_in_stage']}"
            for name in ("b0", "lite4") for b in reference_blocks()[name]["blocks"]
        }
    )  # fmt: skip
    assert table.set_index("Block")["Stride"]["4.4"] == "▸ – → 1"
    at = open_page(PAGE, cmp="Blocks", a="B0", b="Lite0")
    cell = at.dataframe[1].value.set_index("Block")["MACs"]["4.2"]
    assert cell == "▸ 19,761,600 → 19,756,800"  # 2 · 240 · 10 of SE; alike in three digits
    at = open_page(PAGE, cmp="All networks")
    family = at.dataframe[1].value
    assert list(family["Network"])[:3] == ["B0", "B1", "B2"]
    assert len(family) == 16
    assert int(family.set_index("Network")["MACs"]["B7"]) == 37_745_884_192


def test_any_resolution_and_any_constants() -> None:
    at = open_page(PAGE, a="B0", a_px="380", b="phi", b_phi="1", b_alpha="1.5", b_px="99")
    rows = totals(at)
    assert rows["Input"][:2] == ["380 px", "99 px"]
    assert rows["Parameters"][:2] == [f"{5_288_548:,}", f"{scale(1, alpha=1.5).params:,}"]
    assert rows["MACs"][0] == f"{spec_for('b0', resolution=380).macs:,}"
    assert "From B0 at 380 px to φ = 1 (α = 1.5) at 99 px" in words(at)
    at.number_input(key="a_px").set_value(7).run()
    assert_clean(at)
    assert [t.value[:14] for t in at.text] == ["The resolution"]
    assert "Still shown as A: B0 at 380 px." in words(at)
    at.number_input(key="b_gamma").set_value(0.1).run()
    assert_clean(at)
    assert "gamma must be a number from 1 to 3" in at.text[1].value


@pytest.mark.parametrize("phi", ["30", "-40", "1e9"])
def test_an_impossible_phi_keeps_the_last_network(phi: str) -> None:
    at = open_page(PAGE, b="B1")
    before = totals(at)
    at.selectbox(key="b").set_value("phi").run()
    at.number_input(key="b_phi").set_value(float(phi)).run()
    assert_clean(at)
    assert len(at.text) == 1
    assert "Still shown as B" in words(at)
    assert totals(at)["Input"][0] == before["Input"][0]


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"a": "B99"}, 1), ({"b": "<script>"}, 1), ({"a": "phi", "a_phi": "abc"}, 1),
        ({"b_se": "both"}, 1), ({"a": "phi", "a_phi": "nan", "b": "b4"}, 2), ({"b": "phi", "b_phi": "99"}, 1),
        ({"a_px": "many"}, 1), ({"a_px": "5000"}, 1), ({"a_px": "3"}, 1), ({"b": "phi", "b_beta": "x"}, 1),
    ],
)  # fmt: skip
def test_nonsense_in_the_address(params: dict[str, str], count: int) -> None:
    at = open_page(PAGE, **params)
    assert len(at.text) == count
    assert all(20 < len(t.value) < 220 for t in at.text)
    assert totals(at)["MBConv blocks"]


def test_csv_of_the_differences() -> None:
    at = open_page(PAGE)
    labels = [d.proto.label for d in at.get("download_button")]
    assert labels == ["CSV"]
