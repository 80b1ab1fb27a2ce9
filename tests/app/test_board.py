"""What the slider reports is passed on only when it is a number between its ends."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from app.components import board

SENT: dict[str, object] = {}


@pytest.fixture
def callbacks(
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[dict[str, Callable[[], None]], list[object]]:
    """The component's callbacks, and what reaches the page."""
    found: dict[str, Callable[[], None]] = {}
    heard: list[object] = []
    monkeypatch.setattr(board, "_component", lambda **given: found.update(given))
    monkeypatch.setattr(board.session, "component_value", lambda key, name: SENT.get(name))
    board.phi_board(
        (-4.0, 8.0), 0.05, 1.0, key="k", svg="", figures=[], table=[], below="",
        on_drag=lambda v: heard.append(("drag", v)), on_release=lambda v: heard.append(("release", v)),
    )  # fmt: skip
    return found, heard


@pytest.mark.parametrize(
    "bad",
    ["1", None, math.nan, math.inf, 8.1, -5, [1], {"phi": 1}, 10**400],
    ids=lambda bad: str(bad)[:8],
)
def test_nonsense_goes_nowhere(
    bad: object, callbacks: tuple[dict[str, Callable[[], None]], list[object]]
) -> None:
    found, heard = callbacks
    SENT.update(value=bad, released=bad)
    found["on_value_change"]()
    found["on_released_change"]()
    assert heard == []


def test_numbers_arrive(callbacks: tuple[dict[str, Callable[[], None]], list[object]]) -> None:
    found, heard = callbacks
    SENT.update(value=2.3000000000000003, released=-4)
    found["on_value_change"]()
    found["on_released_change"]()
    assert heard == [("drag", 2.3), ("release", -4.0)]
