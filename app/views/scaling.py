"""Compound scaling: what phi does, what it does not do, and how the released networks came about."""

from __future__ import annotations

import streamlit as st

from app import scaled
from app.address import not_choices, tell
from app.components.board import phi_board
from app.scaling_parts import PARTS
from effnet.architecture.scaling import BASE_RESOLUTION, DIVISOR

BELOW = (
    "Left of an arrow stands what the multiplier asks for, in bold what the network has: whole "
    f"repeats, and channels in multiples of {DIVISOR}."
)

st.title("Compound scaling")
st.markdown(
    "A network can grow in three ways: more layers (**depth**), more channels (**width**), larger "
    "pictures (**resolution**). EfficientNet grows in all three at once, and one number sets them "
    r"all: **φ** (phi). Depth is $\alpha^\varphi$, width $\beta^\varphi$, resolution "
    rf"${BASE_RESOLUTION} \cdot \gamma^\varphi$ px. φ = 0 is B0. Drag it and "
    "watch the network grow."
)
scaled.tell_bad_address()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    for key, name, what in zip(
        scaled.CONSTANTS, ("α", "β", "γ"), ("depth", "width", "resolution"), strict=True
    ):
        st.number_input(
            f"{name} ({what})", value=scaled.CONSTANTS[key], step=0.01, format="%.4g", key=key,
            bind="query-params", width=150, help="The paper asks for 1 or more.",
        )  # fmt: skip
    st.button("The paper's values", icon=":material/undo:", on_click=scaled.reset_constants)
now = scaled.constants()
st.markdown(scaled.cost_words(now))


@st.fragment
def at_phi(now: scaled.Constants) -> None:
    """The slider and the network it stands for."""
    slot = st.container()
    with st.popover("Type φ", icon=":material/keyboard:"):
        st.number_input(
            "φ", value=scaled.START, step=0.1, format="%.4g", key=scaled.PHI, bind="query-params"
        )
    with slot:
        found, phi, used = scaled.shown(scaled.phi_asked(), now)
        phi_board(
            scaled.ENDS, scaled.STEP, phi, key="phi_board", svg=found.svg,
            figures=scaled.figures(found, phi, used), table=scaled.table(found.stages), below=BELOW,
            on_drag=scaled.drag, on_release=scaled.release,
        )  # fmt: skip


at_phi(now)
with st.container(horizontal=True, gap="small"):
    st.button("Open this network", icon=":material/account_tree:", on_click=scaled.open_network)
    st.button(
        "Compare it with the nearest released network", icon=":material/compare_arrows:",
        on_click=scaled.open_beside,
    )  # fmt: skip

st.header("The law and the released networks", anchor="released")
tell(*not_choices({"scaling": tuple(PARTS)}))
part = st.segmented_control(
    "Show", list(PARTS), default=next(iter(PARTS)), key="scaling", bind="query-params",
    required=True, label_visibility="collapsed",
)  # fmt: skip
PARTS.get(part, next(iter(PARTS.values())))(now)
