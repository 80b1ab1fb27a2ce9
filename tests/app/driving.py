"""The real app under Streamlit's AppTest."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

MAIN = str(Path(__file__).resolve().parents[2] / "app" / "main.py")


def open_page(page: str = "", **params: str) -> AppTest:
    """The app at a page (`views/gates.py`; the first one by default) with URL parameters, run once.

    PyTorch is imported first, so that no page stops to wait for it.
    """
    import captum.attr  # noqa: F401

    at = AppTest.from_file(MAIN, default_timeout=120)
    for key, value in params.items():
        at.query_params[key] = value
    at.run()
    if page:
        at.switch_page(page)
        for key, value in params.items():
            at.query_params[key] = value
        at.run()
    assert_clean(at)
    return at


def assert_clean(at: AppTest) -> None:
    """No traceback on the page."""
    assert not at.exception, [e.message for e in at.exception]


def words(at: AppTest) -> str:
    """All text of the page, to search in."""
    parts = [
        *at.title,
        *at.header,
        *at.subheader,
        *at.markdown,
        *at.caption,
        *at.text,
        *at.info,
        *at.warning,
    ]
    return "\n".join(str(p.value) for p in parts)


def component(at: AppTest, key: str) -> dict[str, object]:
    """The data that a component of ours was sent."""
    import json

    for element in at.get("bidi_component"):
        if key in element.proto.id:
            return dict(json.loads(element.proto.json))
    raise AssertionError(f"no component {key}")
