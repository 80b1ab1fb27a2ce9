"""The block or the network on screen as source code, beside the diagram that it explains."""

from __future__ import annotations

import streamlit as st

from app import session
from app.address import not_choices, tell
from app.components.code import code_view
from app.components.diagram import diagram
from app.text import refuse
from app.widgets import network_map
from effnet.codegen import generate
from effnet.drawing.diagram import block_dot
from effnet.errors import SpecError

FRAMEWORKS = {"Keras": "keras", "PyTorch": "pytorch"}
PARTS = {"SE block": "se", "MBConv block": "mbconv", "Whole network": "model"}

chosen = session.selected()
tell(*not_choices({"lib": tuple(FRAMEWORKS), "part": tuple(PARTS)}))
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    st.title("Code", width="content")
    framework = st.segmented_control(
        "Library", list(FRAMEWORKS), default="Keras", key="lib", bind="query-params", required=True
    )
    part = st.segmented_control(
        "Part", list(PARTS), default="MBConv block", key="part", bind="query-params", required=True
    )
network_map(chosen, key="map")

what = PARTS.get(part or "", "mbconv")
try:
    source = generate(
        FRAMEWORKS.get(framework or "", "keras"),
        chosen.spec,
        what,
        None if what == "model" else chosen.block,
    )
except SpecError as error:
    refuse(error)
    if what == "se":
        with st.container(horizontal=True, gap="small"):
            st.button("Show its MBConv block", on_click=session.put, args=("part", "MBConv block"))
            st.button("Show the SE block of B0", on_click=session.put, args=("net", "B0"))
    st.stop()

SHOWN = "operation"
inside = [
    name
    for name in source.marks
    if name.split(".")[0] in ("expand", "depthwise", "se", "project", "residual")
]
operation = session.get(SHOWN)
marks = source.marks.get(operation, ()) if operation in inside else ()

with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.header(source.title, anchor="source", width="content")
    st.download_button(
        f"Download {source.filename}", source.text, source.filename, "text/x-python",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
drawing, text = st.columns([7, 12], gap="medium")
with drawing:
    tall = block_dot(chosen.spec, chosen.block, "TB")
    diagram(
        tall, key="code_diagram", label=f"Block {chosen.block}", clickable=inside, least_scale=0.6,
        selected=[operation] if operation in inside else [],
        hint="Click an operation: its lines are marked.",
        on_pick=lambda name: session.put(SHOWN, None if session.get(SHOWN) == name else name),
    )  # fmt: skip
    if marks:
        st.button("Clear the mark", on_click=session.put, args=(SHOWN, None), type="tertiary")
    st.caption(
        "The code stands alone: it needs only "
        + ("Keras 3. " if source.framework == "keras" else "PyTorch. ")
        + "The tests of this project run it and compare its output with the network shown here."
    )
spans = ", ".join(f"{a}–{z}" if a < z else str(a) for a, z in marks)
with text.container(key="lines"):
    code_view(
        source.text, key="source", label=source.title, marked=marks,
        name=source.filename + (f", marked: {spans}" if spans else ""),
    )  # fmt: skip
