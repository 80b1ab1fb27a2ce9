"""The way from one page about gates to the next."""

from __future__ import annotations

import streamlit as st

STEPS = {
    "gates": "See the gates of every block",
    "inside": "How does one gate come about?",
    "edit": "What if the gates were different?",
    "pair": "Do other pictures open other gates?",
    "why": "So why squeeze-and-excitation?",
}
"""Page -> the question that it answers, in the order of a lesson."""


def onward(here: str) -> None:
    """Links to the pages that follow `here`, the next one first."""
    names = list(STEPS)
    at = names.index(here)
    following = [*names[at + 1 :], *names[:at]]
    st.subheader("Go on")
    with st.container(horizontal=True, gap="small"):
        for name in following[:3]:
            st.page_link(
                f"views/{name}.py", label=STEPS[name], icon=":material/arrow_forward:",
                width="content",
            )  # fmt: skip
