"""How one gate comes about, with this picture's numbers: squeeze, reduce, SiLU, expand, sigmoid, product."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import computing, session
from app.formulas import expand_sum, sigmoid_formula, silu_formula, squeeze_formula
from app.onward import onward
from app.pictures import pick_picture
from app.running import job_for, offer_se_network, show_device
from app.text import refuse
from app.weights import chosen_weights
from app.widgets import network_map, wait_for_torch
from effnet.drawing.gate_charts import (
    gate_bars,
    map_cells,
    sigmoid_point,
    signed_bars,
    values_by_channel,
)
from effnet.drawing.numbers import exact
from effnet.errors import EffnetError

chosen = session.selected()
st.title("Inside one gate")
st.markdown("Follow one channel from its map to its gated map. Every number is this picture's own.")
choice = chosen_weights()
held = pick_picture("fashion" if choice.info.preprocessing.grey else "photo")
network_map(chosen, key="map")
if not chosen.spec.has_se:
    offer_se_network(chosen)
    st.stop()
if not wait_for_torch():
    st.stop()

block = chosen.spec.block(chosen.block)
wide, narrow = block.expanded_channels, block.se_channels or 0
before, after = f"{block.id}.depthwise", f"{block.id}.scaled"
job = job_for(choice, held)
try:
    seen = computing.run_trace(job, (before, after))
    steps = computing.gate_steps(job, block.id, seen.features[before][0])
except EffnetError as error:
    refuse(error)
    st.stop()
gates = seen.gates[block.id][0]


def clicked() -> None:
    """A bar of the chart chooses its channel: bars stand from the most open to the most closed."""
    points = (session.get("bars") or {}).get("selection", {}).get("point_indices", [])
    if points and isinstance(points[0], int) and 0 <= points[0] < wide:
        session.put("channel", int(np.argsort(-gates, kind="stable")[points[0]]))


slot = st.container()
asked = st.number_input(
    f"Channel of block {block.id}, 0 to {wide - 1}", 0, None, int(gates.argmax()),
    key="channel", bind="query-params", width=280, help="Or click a bar above.",
)  # fmt: skip
c = min(int(asked or 0), wide - 1)
if asked and asked > c:
    st.caption(f"Block {block.id} has the channels 0 to {wide - 1}; shown is {c}.")
slot.markdown(f"**The {wide} gates of block {block.id}**")
slot.plotly_chart(
    gate_bars(gates, c), alt=f"The gates of block {block.id}, sorted", key="bars",
    on_select=clicked, selection_mode="points",
)  # fmt: skip
raw, gated = (np.atleast_2d(seen.features[p][0][c]) for p in (before, after))
low, high = min(0.0, float(raw.min())), float(raw.max())

st.header(f"Channel {c}, from map to gated map")
one, two, three = st.columns(3, gap="large")
with one:
    st.subheader("1. The map")
    st.plotly_chart(map_cells(raw, low, high), alt=f"Map of channel {c} before the gate", key="raw")
    rows, columns = raw.shape
    st.markdown(
        f"What the depthwise convolution made of your picture in this channel: {rows} × {columns} values."
    )
with two:
    st.subheader("2. Squeeze")
    st.latex(squeeze_formula(c, raw, steps.squeeze[c]))
    st.markdown(
        f"The mean of the map. All {wide} channels are squeezed in the same way: "
        f"**{wide} numbers** instead of {exact(wide * raw.size)}."
    )
    st.plotly_chart(
        values_by_channel(steps.squeeze, c, "s"), alt="The squeezed values", key="squeezed"
    )
with three:
    st.subheader("3. Reduce")
    st.latex(r"z = W_r\,s + b_r")
    st.markdown(
        f"A small layer mixes all channels: $W_r$ is {narrow} × {wide}, so $s$ with {wide} numbers "
        f"becomes $z$ with **{narrow}**."
    )
    st.plotly_chart(signed_bars(steps.reduce, "z"), alt="Values after reduce", key="reduce")

four, five, six = st.columns(3, gap="large")
with four:
    st.subheader(f"4. {chosen.spec.activation}")
    st.latex(silu_formula(steps.reduce, steps.activated))
    st.markdown(
        "Keeps what is positive, nearly removes what is negative. Worked out is the largest value."
    )
    st.plotly_chart(signed_bars(steps.activated, "r"), alt="Values after the activation", key="act")
with five:
    st.subheader("5. Expand")
    parts = steps.contributions(c)
    st.latex(expand_sum(c, parts, float(steps.expand_bias[c]), float(steps.expand[c])))
    st.markdown(
        f"A second layer, {wide} × {narrow}, gives every channel a number again. Drawn is what each of the "
        f"{narrow} values adds for channel {c}."
    )
    names = [*map(str, range(narrow)), "bias"]
    st.plotly_chart(
        signed_bars(np.append(parts, steps.expand_bias[c]), "adds", names),
        alt="What each value adds", key="parts",
    )  # fmt: skip
with six:
    st.subheader("6. Sigmoid")
    st.latex(sigmoid_formula(c, float(steps.expand[c]), float(steps.gate[c])))
    st.markdown("Any number becomes a gate between 0 and 1.")
    st.plotly_chart(
        sigmoid_point(float(steps.expand[c])), alt="The gate on the sigmoid", key="sigmoid"
    )

st.subheader("7. Scale")
left, words, right = st.columns([5, 4, 5], gap="medium", vertical_alignment="center")
left.plotly_chart(map_cells(raw, low, high), alt=f"Map of channel {c} before", key="raw_again")
right.plotly_chart(map_cells(gated, low, high), alt=f"Map of channel {c} after", key="gated")
with words:
    st.latex(rf"m'_{{{c}}} = {steps.gate[c]:.4f}\cdot m_{{{c}}}")
    y, x = np.unravel_index(np.abs(raw).argmax(), raw.shape)
    st.markdown(
        f"Every value is multiplied by the gate, for instance row {y}, column {x}: "
        f"{steps.gate[c]:.4f} · {raw[y, x]:.3f} = **{gated[y, x]:.3f}**. Both maps have one scale of "
        "colour. What is left goes on to the projection."
    )
st.caption(
    f"The gate read from the network is {gates[c]:.4f}; the steps above were "
    f"recomputed from its weights and give {steps.gate[c]:.4f}."
)
onward("inside")
show_device()
