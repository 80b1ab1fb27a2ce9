"""The Scaling page: the law and the networks are the library's, and no bad wish breaks it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from effnet import scale
from tests.app.driving import assert_clean, component, open_page, words

PAGE = "views/scaling.py"


def board(at: AppTest) -> dict[str, str]:
    """Label -> value of the figures under the slider."""
    return {label: value for label, value, _ in component(at, "phi_board")["figures"]}  # type: ignore[attr-defined]


def test_phi_1_to_begin_with() -> None:
    at = open_page(PAGE)
    assert at.title[0].value == "Compound scaling"
    assert board(at) == {
        "Depth": "×1.2", "Width": "×1.1", "Input": "258 px", "MBConv blocks": "23",
        "Parameters": "9.11 M", "MACs": "993 M",
    }  # fmt: skip
    assert "1.2 · 1.1² · 1.15² = **1.9203**" in words(at)
    sent = component(at, "phi_board")
    assert "3 × 258²" in str(sent["svg"])
    rows = {row[0][1]: row[1:] for row in sent["table"]}  # type: ignore[attr-defined]
    assert [real for _, real in rows["Channels"]] == [
        str(n) for n in (32, 16, 24, 48, 88, 120, 208, 352, 1408)
    ]
    assert rows["Repeats"][3] == ["2.4", "3"]


@pytest.mark.parametrize("phi", [-4.0, 0.0, 2.35, 7.0, 9.0])
def test_a_link_opens_at_its_phi(phi: float) -> None:
    at = open_page(PAGE, sphi=str(phi))
    spec = scale(phi)
    assert component(at, "phi_board")["value"] == phi
    assert board(at)["Input"] == f"{spec.resolution} px"
    assert board(at)["MBConv blocks"] == str(len(spec.blocks))
    assert not at.text


def test_typed_constants_move_the_law() -> None:
    at = open_page(PAGE)
    at.number_input(key="salpha").set_value(1.5).run()
    assert_clean(at)
    assert board(at)["Depth"] == "×1.5"
    assert "= **2.4003**" in words(at)
    at.button[
        next(i for i, b in enumerate(at.button) if b.label == "The paper's values")
    ].click().run()
    assert board(at)["Depth"] == "×1.2"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("salpha", 0.5, "alpha must be a number from 1 to 3"),
        ("sbeta", 0.0, "beta must be a number from 1 to 3"),
        ("sgamma", -3.0, "gamma must be a number from 1 to 3"),
        ("salpha", 1e300, "alpha must be a number from 1 to 3"),
        ("sphi", 30.0, "phi = 30 gives a resolution of 14,831 px"),
        ("sphi", -25.0, "phi = -25 gives a resolution of 7 px"),
        ("sphi", 1e12, "phi must be a number from -60 to 60"),
    ],
)
def test_a_bad_number_says_one_sentence_and_keeps_the_last_network(
    key: str, value: float, sentence: str
) -> None:
    at = open_page(PAGE, sphi="2.0")
    before = board(at)
    at.number_input(key=key).set_value(value).run()
    assert_clean(at)
    assert [t.value for t in at.text if t.value.startswith(sentence)]
    assert len(at.text) == 1
    assert board(at) == before
    assert component(at, "phi_board")["value"] == 2.0


def test_a_constant_that_makes_the_network_impossible() -> None:
    """beta = 3 at phi = 5 would be 243 times as wide."""
    at = open_page(PAGE, sphi="5.0")
    before = board(at)
    at.number_input(key="sbeta").set_value(3.0).run()
    assert_clean(at)
    assert "would give over 65,536 channels" in at.text[0].value
    assert board(at) == before


@pytest.mark.parametrize("text", ["abc", "nan", "inf", "1e999", "--", "½", "<b>1</b>", "٣x"])
def test_text_in_a_numbers_place_in_the_address(text: str) -> None:
    at = open_page(PAGE, sphi=text, sgamma=text)
    said = [t.value for t in at.text]
    assert len(said) == 2
    assert all("is not a number" in s for s in said)
    assert board(at)["Input"] == "258 px"


def test_a_bad_address_before_anything_worked() -> None:
    at = open_page(PAGE, sphi="1000", salpha="0.2")
    assert len(at.text) == 2
    assert board(at)["Input"] == "258 px"


def test_dragging_and_letting_go() -> None:
    from app import scaled

    at = open_page(PAGE)
    at.session_state["scaling_now"] = 3.3  # what a drag puts there
    at.run()
    assert component(at, "phi_board")["value"] == 3.3
    assert at.number_input(key=scaled.PHI).value == 1.0
    at.session_state[scaled.PHI] = 3.4  # what letting go puts there
    at.run()
    assert component(at, "phi_board")["value"] == 3.4


def test_every_part() -> None:
    at = open_page(PAGE)
    assert "A bar through" not in words(at)
    assert "φ = 1 costs 2.57 times B0, not 1.92 times" in words(at)
    at = open_page(PAGE, scaling="Implied phi")
    table = at.dataframe[0].value.set_index("Network")
    assert list(table.loc["B1"])[1::2][:3] == ["0.523", "0.000", "0.494"]
    assert table.loc["B7", "log₂ of MACs over B0's"] == "6.612"
    assert list(at.dataframe[1].value["in all three"])[1:] == ["none"] * 9
    assert "no single phi gives any of B1 to B7" in words(at)
    at = open_page(PAGE, scaling="Rounding")
    assert "16 blocks become 23: 44 % more" in at.info[0].value
    assert "2 × 1.1 = 2.2 blocks." in words(at)
    at.selectbox(key="round_net").set_value("B3").run()
    at.selectbox(key="round_stage").set_value(2).run()
    assert "16 is less than 17.28, so it becomes the next multiple: 24." in words(at)
    click(at, "B2, stage 3: a width that stays")
    assert "24 is not less than 23.76, so it stays: 24." in words(at)
    assert (at.selectbox(key="round_net").value, at.selectbox(key="round_stage").value) == ("B2", 3)
    at = open_page(PAGE, scaling="One axis alone")
    assert len(at.dataframe[0].value) == 4
    at.selectbox(key="alone").set_value("B7").run()
    assert "Depth alone cannot cost as much within 1,000 blocks." in words(at)
    at = open_page(PAGE, scaling="The family")
    table = at.dataframe[0].value.set_index("Network")
    assert list(table.loc["B4"][["paper v5", "paper v1", "torchvision V1"]]) == [
        "82.9",
        "82.6",
        "83.384",
    ]
    noisy = "official, Noisy Student, extra unlabelled pictures"
    assert list(table.loc[["B0", "L2"], noisy]) == ["78.8", "88.4"]
    assert "arXiv 1905.11946v1" in words(at)


def test_an_unknown_part_in_the_address_is_the_first() -> None:
    at = open_page(PAGE, scaling="Gossip")
    assert "most repeated sentence" in words(at)


def click(at: AppTest, label: str) -> None:
    at.button[next(i for i, b in enumerate(at.button) if b.label == label)].click().run()


def test_opening_the_network_sets_the_first_page(
    departures: list[tuple[str, dict[str, str]]],
) -> None:
    at = open_page(PAGE, sphi="2.0", salpha="1.25")
    click(at, "Open this network")
    assert departures[0] == ("views/architecture.py", {
        "net": "phi", "phi": "2", "alpha": "1.25", "beta": "1.1", "gamma": "1.15",
    })  # fmt: skip
    at.switch_page(departures[0][0]).run()
    assert_clean(at)
    assert at.title[0].value == "EfficientNet, phi = 2"
    assert at.selectbox(key="net").value == "phi"
    assert next(m.value for m in at.metric if m.label == "Input") == f"{scale(2.0).resolution} px"


def test_opening_it_beside_the_nearest_released_network(
    departures: list[tuple[str, dict[str, str]]],
) -> None:
    at = open_page(PAGE, sphi="3.0")
    click(at, "Compare it with the nearest released network")
    assert departures[0] == ("views/compare.py", {"a": "phi", "a_phi": "3", "b": "B4"})
    at.switch_page(departures[0][0]).run()
    assert_clean(at)
    assert at.title[0].value == "Compare two networks"
    assert (at.selectbox(key="a").value, at.selectbox(key="b").value) == ("phi", "B4")
    assert at.number_input(key="a_phi").value == 3.0


def test_a_phi_that_the_other_pages_cannot_take_stays_here(
    departures: list[tuple[str, dict[str, str]]],
) -> None:
    at = open_page(PAGE, sphi="10.5")
    click(at, "Open this network")
    assert_clean(at)
    assert departures == []
    assert "φ from -8 to 10" in at.toast[0].value
    assert board(at)["Input"] == f"{scale(10.5).resolution} px"


def test_comparing_takes_the_constants_along(departures: list[tuple[str, dict[str, str]]]) -> None:
    at = open_page(PAGE, sphi="2.0", sbeta="1.2")
    click(at, "Compare it with the nearest released network")
    wanted = {"a": "phi", "a_phi": "2", "a_alpha": "1.2", "a_beta": "1.2", "a_gamma": "1.15"}
    nearest = departures[0][1]["b"]
    assert departures[0] == ("views/compare.py", {**wanted, "b": nearest})
    at.switch_page(departures[0][0]).run()
    assert_clean(at)
    assert f"From φ = 2 (β = 1.2) to {nearest}" in words(at)
    params = at.dataframe[0].value.set_index("").loc["Parameters"].iloc[0]
    assert params == f"{scale(2.0, beta=1.2).params:,}"
