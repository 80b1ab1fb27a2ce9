"""Buttons that set the app, open the page that shows it, and bring the place into view.

The row on top of every page keeps what it holds, whatever a link's address says, so its widgets are
set by name; the widgets of the page that opens take their values from the address.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from app import session, sides

TOP = "top"
"""Where a page begins."""

_scroll = st.components.v2.component(
    "effnet_scroll",
    js="""
export default function ({ data }) {
  const go = () => {
    const place = [...data.narrow && innerWidth < 640 ? [data.narrow] : [], data.anchor]
      .map((name) => document.getElementById(name) || document.querySelector('.st-key-' + name))
      .find((found) => found);
    if (place) {
      if (!place.id) place.style.scrollMarginTop = '72px';  // below the bar; headings have their own
      place.scrollIntoView({ behavior: 'smooth', block: 'start' });
    }
    else document.querySelector('[data-testid=stMain]')?.scrollTo({ top: 0 });
  };
  setTimeout(go, 250);
}
""",
)
NARROW = {"source": "lines"}
"""Anchor -> the place that a phone goes to instead, where the two stand below each other."""

OFFICIAL = session.SE_RULES[0]
USUAL: dict[str, dict[str, Any]] = {
    "architecture": {"se": OFFICIAL, "px": 0},
    "code": {"se": OFFICIAL, "px": 0},
    "gradcam": {"se": OFFICIAL, "px": 0},
    "compare": {
        "cmp": "Stages", **sides.DEFAULTS,
        **{f"{side}_{key}": value for side in sides.DEFAULTS for key, value in sides.USUAL.items()},
    },
    "scaling": {},
    "why": {},
}  # fmt: skip
"""Page -> what it goes back to unless the button says otherwise."""


ROW = ("net", "block", "weights", "se", "px", "phi", "alpha", "beta", "gamma")
"""Keys of the widgets in the row on top."""


def go(page: str, wanted: Mapping[str, Any], anchor: str = TOP) -> None:
    """A callback: set the widgets of `page`, then open it at `anchor`."""
    scroll_to(anchor)
    # A parameter whose widget is on the screen is refused in an address; the widget is set instead.
    on_screen = ROW if session.network() == session.BY_PHI else ROW[:5]
    for key, value in {**USUAL[page], **wanted}.items():
        session.put(key, value)
    address = {k: f"{v:g}" if isinstance(v, float) else str(v) for k, v in wanted.items()}
    for refused in ((), on_screen):
        given = {key: text for key, text in address.items() if key not in refused}
        with contextlib.suppress(StreamlitAPIException):
            st.switch_page(f"views/{page}.py", query_params=given)
    st.switch_page(f"views/{page}.py", query_params={})


def travel(page: str, label: str, icon: str, wanted: Mapping[str, Any], key: str) -> None:
    """The button."""
    st.button(label, icon=icon, key=key, type="tertiary", on_click=go, args=(page, wanted))


def scroll_to(anchor: str) -> None:
    """A callback: have the next run bring this place into view; `TOP` is the page's beginning."""
    session.put("scroll_to", anchor)


def scroll_if_asked() -> None:
    """Bring the place into view, once; after the page is drawn."""
    if anchor := session.get("scroll_to"):
        _scroll(key="scroll", data={"anchor": anchor, "narrow": NARROW.get(anchor, "")})
        session.put("scroll_to", "")
