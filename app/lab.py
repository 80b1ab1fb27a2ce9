"""The controls of the gate editor, and the columns of its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from app import computing, session
from app.components.live_slider import live_slider
from app.maps import enlarge
from app.pictures import Held, held, pick_picture, samples
from app.running import class_name, job_for
from app.text import escaped, refuse
from app.weights import Choice
from effnet.drawing.gate_charts import top_bars
from effnet.drawing.overlay import overlay
from effnet.errors import InspectionError
from effnet.inspection.edits import LARGEST, Edit, format_edits, parse_edits
from effnet.inspection.trace import Trace
from effnet.weights.labels import labels_of

Gates = Mapping[str, np.ndarray]

PLACES = ("this block", "its stage", "all blocks")
ACTIONS = {
    "SE off": "off", "mean": "mean", "constant": "constant", "times k": "times",
    "one channel": "channel", "another picture's": "swap",
}  # fmt: skip
EXPLAINED = {
    "off": "Every gate is 1: the maps pass unchanged, as if SE were not there.",
    "mean": "Every gate is its mean over all pictures in the gallery: what adapts to this picture is gone.",
    "constant": "Every gate has the same value.",
    "times": "Every gate is multiplied by k.",
    "channel": "One channel's gate is set, the others stay.",
    "swap": "The gates that another picture caused are applied to this one.",
}
SECOND = "picture2"


def choose_edit(selection: session.Selection) -> Edit:
    """The edit that the controls describe; it is applied at once."""
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
        with row:
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
            edit = Edit(where, "constant", live_slider("value", 0, 1, 0.5, 0.01, key="constant"))
        elif kind == "times":
            edit = Edit(where, "times", live_slider("k", 0, LARGEST, 0.5, 0.02, key="times"))
        elif kind == "channel":
            channels = selection.spec.block(block).expanded_channels
            with st.container(horizontal=True, vertical_alignment="bottom"):
                number = st.number_input(
                    "Channel", 0, channels - 1, 0, key="ch", bind="query-params", width=140
                )
                on = st.segmented_control(
                    "Gate", ["off (0)", "on (1)"], default="off (0)", required=True
                )
            edit = Edit(block, "channel", 1.0 if on == "on (1)" else 0.0, int(number))
        st.button(
            "Keep this edit and add another", icon=":material/add:", on_click=_keep, args=(edit,),
            type="tertiary",
        )  # fmt: skip
        st.text_input(
            "Kept edits, in the order in which they act", key="edits", bind="query-params",
            placeholder="none yet; for example 5.2:off,7:times=0.5",
        )  # fmt: skip
    return edit


def _keep(edit: Edit) -> None:
    session.put("edits", format_edits((*parsed_edits(), edit)))


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


def answer_columns(
    choice: Choice, job: computing.Job, before: Trace, after: Trace, edits: Sequence[Edit],
    mean: Gates | None, other: Gates | None, target: int,
) -> None:  # fmt: skip
    """Top classes before and after, and the class-activation map before and after."""
    labels = labels_of(choice.info)
    top = list(dict.fromkeys([i for i, _ in before.top(4)] + [i for i, _ in after.top(3)]))
    p, q = before.probabilities[0], after.probabilities[0]
    bars, first, second = st.columns([5, 3, 3], gap="medium")
    with bars:
        names = [class_name(i, labels) for i in top]
        figure = top_bars(names, [float(p[i]) for i in top], [float(q[i]) for i in top])
        st.plotly_chart(figure, alt="Classes before and after the edit", key="edited_top")
    plain_map = computing.run_cam(job, target, "head")
    edited_map = computing.run_edited_cam(job, target, "head", tuple(edits), mean, other)
    for column, title, cam in ((first, "as it is", plain_map), (second, "edited", edited_map)):
        with column:
            picture = overlay(job.ready.pixels, cam.placed[0])
            st.image(enlarge(picture), width="stretch", alt=f"Grad-CAM, {title}")
            st.caption(
                f"Grad-CAM of {escaped(class_name(target, labels))}, {title}; largest value {cam.grid.max():.3g}"
            )
