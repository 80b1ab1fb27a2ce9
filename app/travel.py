"""Buttons that set the app and open the page that shows it.

The row on top of every page keeps what it holds, whatever a link's address says, so its widgets are
set by name; the widgets of the page that opens take their values from the address.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitAPIException

from app import session

OFFICIAL = session.SE_RULES[0]
USUAL: dict[str, dict[str, Any]] = {
    "architecture": {"se": OFFICIAL, "px": 0},
    "code": {"se": OFFICIAL, "px": 0},
    "gradcam": {"se": OFFICIAL, "px": 0},
    "compare": {
        "a": "B0", "b": "B4", "a_phi": 0.0, "b_phi": 0.0, "a_se": OFFICIAL, "b_se": OFFICIAL,
        "cmp": "Stages",
    },
    "scaling": {},
}  # fmt: skip
"""Page -> what it goes back to unless the button says otherwise."""


ROW = ("net", "block", "weights", "se", "px", "phi", "alpha", "beta", "gamma")
"""Keys of the widgets in the row on top."""


def go(page: str, wanted: Mapping[str, Any]) -> None:
    """A callback: set the widgets of `page`, then open it."""
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
