"""Running a network for a page: taking turns, and what is left when a run is cut off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app import computing
from effnet.limits import LIMITS
from tests.app.driving import open_page, words

PAGES = ["gates", "gradcam", "inside", "pair", "edit"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than a moment for a turn."""
    monkeypatch.setattr(computing, "LIMITS", replace(LIMITS, waiting_seconds=0.1))


@pytest.mark.parametrize("page", PAGES)
def test_a_busy_machine_is_one_sentence_and_the_next_try_works(page: str, hasty: None) -> None:
    place = computing._places()
    place.acquire()
    try:
        at = open_page(f"views/{page}.py", net="Mini", block="7.2")
        assert "Other people are computing here right now" in words(at)
    finally:
        place.release()
    at.run()
    assert not at.exception
    assert "Other people" not in words(at)


@pytest.mark.parametrize("page", PAGES)
def test_a_device_that_is_not_here_is_one_sentence(
    page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFFNET_DEVICE", "abacus")
    at = open_page(f"views/{page}.py", net="Mini", block="7.2")
    assert "There is no device 'abacus' on this machine" in words(at)


def test_a_run_that_fails_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise one failure would make the machine busy for good."""

    class CutOffError(BaseException):
        """As Streamlit stops a script: no `Exception`."""

    def fail(device: str) -> None:
        raise CutOffError

    monkeypatch.setattr("effnet.inspection.devices.run_with_fallback", lambda call, _: fail(""))
    for _ in range(3):
        with pytest.raises(CutOffError):
            computing._run(None, lambda model, x: None)  # type: ignore[arg-type]
    place = computing._places()
    assert place.acquire(timeout=0)
    place.release()
