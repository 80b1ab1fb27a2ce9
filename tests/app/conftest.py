"""Departures to another page, which AppTest cannot follow from a callback."""

from __future__ import annotations

import pytest

from app import travel


@pytest.fixture
def departures(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, str]]]:
    """(page, address) of every `st.switch_page` that a button asked for, the first one wanted."""
    found: list[tuple[str, dict[str, str]]] = []

    def record(page: str, *, query_params: dict[str, str]) -> None:
        found.append((page, query_params))

    monkeypatch.setattr(travel.st, "switch_page", record)
    return found
