"""Sentences often said about EfficientNet, what is right, and the figures that show it."""

from __future__ import annotations

import streamlit as st

from app.address import not_choices, tell
from app.text import plain
from app.travel import travel
from effnet.claims import CLAIMS, VERDICTS, Claim

BADGES = {
    "wrong": ("red", ":material/close:"),
    "imprecise": ("orange", ":material/adjust:"),
    "depends": ("blue", ":material/call_split:"),
    "missing": ("violet", ":material/more_horiz:"),
}
LINKS = {
    "architecture": ("See it in the architecture", ":material/account_tree:"),
    "code": ("See it in code", ":material/code:"),
    "compare": ("See both side by side", ":material/compare_arrows:"),
    "gradcam": ("See it on a picture", ":material/center_focus_strong:"),
    "scaling": ("See it on the Scaling page", ":material/trending_up:"),
}


def show(claim: Claim) -> None:
    """One claim as a card."""
    colour, icon = BADGES[claim.verdict]
    with st.container(border=True, height="stretch"):
        st.badge(claim.verdict, icon=icon, color=colour, help=VERDICTS[claim.verdict])  # type: ignore[arg-type]
        st.markdown(f"**“{claim.heard}”**")
        st.markdown(claim.answer)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(f"Source: {claim.source}.")
            if claim.see:
                page, where = claim.see
                travel(page, *LINKS[page], where, key=f"see_{claim.key}")


st.title("What tutorials get wrong")
st.markdown(
    "EfficientNet is often explained, and some sentences travel from text to text without being "
    "checked. Here they are, with what the code and the paper say. The figures are counted by this "
    "explorer at this moment, or read from the named source."
)
tell(*not_choices({"verdict": tuple(VERDICTS)}))
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    kinds = st.pills(
        "Verdict", list(VERDICTS), selection_mode="multi", key="verdict", bind="query-params",
        help="  \n".join(f"**{name}**: {meaning}" for name, meaning in VERDICTS.items()),
    )  # fmt: skip
    words = st.text_input(
        "Search", key="find", bind="query-params", icon=":material/search:", max_chars=60,
        placeholder="SE, phi, padding …", width=260,
    )  # fmt: skip


def searched(text: str) -> str:
    """Text as the search compares it: small letters, φ written out."""
    return text.lower().replace("φ", "phi")


wanted = searched(plain(words or "", 60)).split()
found = [
    claim
    for claim in CLAIMS
    if (not kinds or claim.verdict in kinds)
    and all(w in searched(f"{claim.heard} {claim.answer} {claim.source}") for w in wanted)
]
st.caption(f"{len(found)} of {len(CLAIMS)} sentences.")
if not found:
    st.info(
        "No sentence fits. Clear the search or choose another verdict.",
        icon=":material/search_off:",
    )
with st.grid(2, min_column_width=420, gap="small"):
    for claim in found:
        show(claim)
