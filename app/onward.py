"""The way from one page about gates to the next."""

from __future__ import annotations

import streamlit as st

from app import session

STEPS = {
    "gates": "See the gates of every block",
    "inside": "How does one gate come about?",
    "edit": "What if the gates were different?",
    "pair": "Do other pictures open other gates?",
    "why": "So why squeeze-and-excitation?",
}
"""Page -> the question that it answers, in the order of a lesson."""


def _on_the_box() -> None:
    """A callback."""
    session.put("net", "Mini")
    st.switch_page("views/gates.py", query_params={})


def onward(here: str) -> None:
    """Links to the pages that follow `here`, the next one first."""
    names = list(STEPS)
    at = names.index(here)
    following = [*names[at + 1 :], *names[:at]]
    st.subheader("Go on")
    with st.container(horizontal=True, gap="small"):
        if session.network() != "Mini":
            st.button(
                "Try it on Mini, which is trained and comes with the app", key="to_mini",
                icon=":material/science:", on_click=_on_the_box,
            )  # fmt: skip
        for name in following[:3]:
            st.page_link(
                f"views/{name}.py", label=STEPS[name], icon=":material/arrow_forward:",
                width="content",
            )  # fmt: skip
