"""The page of claims: all of them, found by verdict and by words, each leading where it can be seen."""

from __future__ import annotations

import pytest

from effnet.claims import CLAIMS, Claim
from tests.app.driving import assert_clean, open_page, words

PAGE = "views/claims.py"


def test_every_claim_is_on_the_page_with_its_answer_and_source() -> None:
    text = words(open_page(PAGE))
    for claim in CLAIMS:
        assert claim.heard in text
        assert claim.answer in text
        assert claim.source in text
    assert f"{len(CLAIMS)} of {len(CLAIMS)} sentences." in text


@pytest.mark.parametrize("verdict", ["wrong", "imprecise", "depends", "missing"])
def test_by_verdict(verdict: str) -> None:
    text = words(open_page(PAGE, verdict=verdict))
    for claim in CLAIMS:
        assert (claim.heard in text) == (claim.verdict == verdict)


def test_by_words() -> None:
    text = words(open_page(PAGE, find="lite4 STEM"))
    assert "EfficientNet-Lite has smaller SE blocks." not in text  # Lite4 is not named in it
    text = words(open_page(PAGE, find="lite stem"))
    assert "EfficientNet-Lite has smaller SE blocks." in text
    assert "φ = k gives Bk." in words(open_page(PAGE, find="phi", verdict="wrong"))
    at = open_page(PAGE, find="zebra")
    assert "No sentence fits" in at.info[0].value


@pytest.mark.parametrize(
    "params", [{"verdict": "maybe"}, {"find": "<script>alert(1)</script>"}, {"find": "(" * 500}]
)
def test_nonsense_in_the_address(params: dict[str, str]) -> None:
    assert_clean(open_page(PAGE, **params))


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.see], ids=lambda c: c.key)
def test_see_it_opens_the_place(claim: Claim, departures: list[tuple[str, dict[str, str]]]) -> None:
    at = open_page(PAGE)
    at.button(key=f"see_{claim.key}").click().run()
    assert_clean(at)
    assert claim.see
    page, where = claim.see
    assert departures[0] == (f"views/{page}.py", dict(where))
    for key, value in where.items():
        assert at.session_state[key] == value


@pytest.mark.parametrize("key", ["se-width", "se-per-stage", "phi-index", "b1-depth", "lite-se"])
def test_the_place_shows_it(key: str, departures: list[tuple[str, dict[str, str]]]) -> None:
    at = open_page(PAGE, net="B5", se="expanded")
    at.button(key=f"see_{key}").click().run()
    page, where = departures[0]
    at.switch_page(page)
    for name, value in where.items():
        if name not in ("net", "block", "se"):  # the row on top took these from the button
            at.query_params[name] = value
    at.run()
    assert_clean(at)
    text = words(at)
    expected = {
        "se-width": "636,540 parameters in A and 3,771,840 in B",
        "se-per-stage": "EfficientNet-B0",
        "phi-index": "no single phi gives any of B1 to B7",
        "b1-depth": "16 blocks become 23",
        "lite-se": "B has no squeeze-and-excitation",
    }
    assert expected[key] in text
