"""What an address asks for and cannot have: one sentence each, and the page as if it had not asked."""

from __future__ import annotations

import pytest

from tests.app.driving import open_page

ROW = [
    ({"net": "phi", "phi": "abc"}, "phi=abc, which is not a number"),
    ({"net": "phi", "phi": "nan"}, "phi=nan, which is not a number"),
    ({"net": "phi", "phi": "1e9"}, "phi=1e9; choose a number from -8 to 10."),
    ({"net": "phi", "beta": "--"}, "beta=--, which is not a number"),
    ({"px": "large"}, "px=large, which is not a number"),
    ({"px": "99999"}, "px=99999; choose a number from 0 to 4096."),
    ({"net": "B99"}, "net=B99; choose one of B0, B1"),
    ({"se": "half"}, "se=half; choose one of official, expanded."),
    ({"block": "9.9"}, "block=9.9; choose one of 2.1, 3.1"),
    ({"net": "B7", "block": "<b>"}, "block=<b>; choose one of 2.1, 2.2, …, 8.4."),
]


@pytest.mark.parametrize(("asked", "sentence"), ROW)
def test_the_row_on_top_says_what_it_cannot_use(asked: dict[str, str], sentence: str) -> None:
    said = [text.value for text in open_page(**asked).text]
    assert len(said) == 1
    assert said[0].startswith(f"The address says {sentence}")


@pytest.mark.parametrize(
    ("page", "asked"),
    [
        ("views/code.py", {"lib": "rust"}),
        ("views/code.py", {"part": "everything"}),
        ("views/compare.py", {"cmp": "gossip"}),
        ("views/scaling.py", {"scaling": "gossip"}),
        ("views/claims.py", {"verdict": "gossip"}),
        ("views/architecture.py", {"table": "gossip"}),
    ],
)
def test_a_page_says_what_it_cannot_use(page: str, asked: dict[str, str]) -> None:
    ((key, value),) = asked.items()
    said = [text.value for text in open_page(page, **asked).text]
    assert len(said) == 1
    assert said[0].startswith(f"The address says {key}={value}; choose one of ")


def test_what_can_be_used_is_used_in_silence() -> None:
    at = open_page(net="phi", phi="2.5", alpha="1.3", px="224", block="4.2", se="expanded")
    assert not at.text
    assert at.title[0].value == "EfficientNet, phi = 2.5"


def test_another_network_without_the_block_is_no_mistake_of_the_address() -> None:
    at = open_page(net="B7", block="4.7")
    assert at.selectbox(key="block").value == "4.7"
    at.selectbox(key="net").set_value("B0").run()
    assert not at.text
    assert at.selectbox(key="block").value == "4.2"
