"""The controls of the gate editor; `edited.py` shows what they bring about."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from app import computing, session
from app.components.live_slider import live_slider
from app.pictures import Held, held, pick_picture, samples
from app.running import job_for
from app.text import refuse
from app.weights import Choice
from effnet.errors import InspectionError
from effnet.inspection.edits import LARGEST, Edit, format_edits, parse_edits

Gates = Mapping[str, np.ndarray]

PLACES = ("this block", "its stage", "all blocks")
ACTIONS = {
    "SE off": "off", "mean": "mean", "constant": "constant", "times k": "times",
    "one channel": "channel", "another picture's": "swap",
}  # fmt: skip
EXPLAINED = {
    "off": "Every gate is 1: the maps pass unchanged, as if SE were not there.",
    "mean": "Every gate is its mean over all pictures in the gallery: what adapts to this picture is gone.",
    "constant": "Every gate has the same value. Drag the slider or type a number.",
    "times": "Every gate is multiplied by k. Drag the slider or type a number.",
    "channel": "One channel's gate is set in the chosen block, the others stay.",
    "swap": "The gates that another picture caused are applied to this one.",
}
SECOND = "picture2"
SWITCH = ("off (0)", "on (1)")


def choose_edit(selection: session.Selection) -> Edit:
    """The edit that the controls describe; it is applied at once. Every control stands in the address."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        place = st.segmented_control(
            "Where", PLACES, default=PLACES[0], key="at", bind="query-params", required=True
        )
        action = st.selectbox(
            "Gates become", list(ACTIONS), key="do", bind="query-params", width=190
        )
    place = place if place in PLACES else PLACES[0]
    kind = ACTIONS.get(action or "", "off")
    block = selection.block
    where = {PLACES[0]: block, PLACES[1]: block.split(".")[0]}.get(place, "all")
    st.caption(EXPLAINED[kind])
    edit = Edit(where, kind)  # type: ignore[arg-type]
    if kind == "constant":
        edit = Edit(where, "constant", _dial("value", 1.0, 0.5, 0.01, "gate"))
    elif kind == "times":
        edit = Edit(where, "times", _dial("k", LARGEST, 0.5, 0.02, "k"))
    elif kind == "channel":
        with st.container(horizontal=True, vertical_alignment="bottom"):
            channels = selection.spec.block(block).expanded_channels
            number = st.number_input(
                f"Channel of block {block}, 0 to {channels - 1}", 0, None, 0, key="ch",
                bind="query-params", width=220,
            )  # fmt: skip
            to = st.segmented_control(
                "Gate", SWITCH, default=SWITCH[0], key="to", bind="query-params", required=True
            )
        edit = Edit(block, "channel", 1.0 if to == SWITCH[1] else 0.0, int(number or 0))
    return edit


def _dial(label: str, high: float, value: float, step: float, key: str) -> float:
    """A slider from 0 to `high` that answers while it is dragged, and the number that the address holds."""
    moving = f"{key}_moving"  # what the slider says while it is on its way

    def release(sent: float) -> None:
        session.put(moving, None)
        session.put(key, sent)

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        slot = st.container()
        typed = st.number_input(
            label, 0.0, high, value, step, format="%.4g", key=key, bind="query-params", width=130,
            label_visibility="collapsed", on_change=session.put, args=(moving, None),
        )  # fmt: skip
    now = float(value if typed is None else typed)
    now = float(session.get(moving) if session.get(moving) is not None else now)
    with slot:
        live_slider(
            label, 0.0, high, now, step, key=f"{key}_slider",
            on_drag=lambda sent: session.put(moving, sent), on_release=release,
        )  # fmt: skip
    return now


def kept_edits(draft: Edit) -> None:
    """The edits that are kept from before, and the button that keeps the one at hand."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button(
            "Keep this edit and add another", icon=":material/add:", on_click=_keep, args=(draft,)
        )
        st.button(
            "Start over", icon=":material/undo:", on_click=_start_over, type="tertiary",
            disabled=not session.get("edits"),
        )  # fmt: skip
    st.text_input(
        "Kept edits, in the order in which they act", key="edits", bind="query-params",
        placeholder="none yet; for example 5.2:off,7:times=0.5",
    )  # fmt: skip


def _keep(edit: Edit) -> None:
    session.put("edits", format_edits((*parsed_edits(), edit)))


def _start_over() -> None:
    session.put("edits", "")


def parsed_edits() -> tuple[Edit, ...]:
    """The kept edits; text from a URL that is none says so and is dropped."""
    try:
        return parse_edits(session.get("edits") or "")
    except InspectionError as error:
        refuse(error)
        return ()


def gallery_pictures(kind: str) -> list[Held]:
    """Own pictures and samples of a kind."""
    return [*held().values(), *samples(kind)]


def mean_gates(choice: Choice, kind: str) -> Gates:
    """Mean gates over every picture of the gallery."""
    runs = [computing.run_trace(job_for(choice, h)).gates for h in gallery_pictures(kind)]
    st.caption(f"Mean over the {len(runs)} pictures of the gallery.")
    return {block: np.mean([r[block][0] for r in runs], axis=0) for block in runs[0]}


def second_picture(choice: Choice, kind: str, first: Held) -> Gates:
    """Choose whose gates are borrowed."""
    st.markdown("**Take the gates of**")
    other = pick_picture(kind, SECOND, skip=first.id, adding=False)
    return {b: g[0] for b, g in computing.run_trace(job_for(choice, other)).gates.items()}
