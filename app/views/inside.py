"""How one gate comes about, with this picture's numbers: squeeze, reduce, SiLU, expand, sigmoid, product."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import computing, session
from app.maps import map_image
from app.pictures import pick_picture
from app.running import job_for, normalised_maps, offer_se_network, show_device
from app.text import refuse
from app.weights import chosen_weights
from app.widgets import network_map, wait_for_torch
from effnet.drawing.gate_charts import gate_bars, sigmoid_point, signed_bars
from effnet.drawing.numbers import exact
from effnet.errors import EffnetError

chosen = session.selected()
st.title("Inside one gate")
choice = chosen_weights()
held = pick_picture("fashion" if choice.info.preprocessing.grey else "photo")
network_map(chosen, key="map")
if not chosen.spec.has_se:
    offer_se_network(chosen)
    st.stop()
if not wait_for_torch():
    st.stop()

block = chosen.spec.block(chosen.block)
wide, narrow, size = block.expanded_channels, block.se_channels or 0, block.out_size
before, after = f"{block.id}.depthwise", f"{block.id}.scaled"
job = job_for(choice, held)
try:
    seen = computing.run_trace(job, (before, after))
    steps = computing.gate_steps(job, block.id, seen.features[before][0])
except EffnetError as error:
    refuse(error)
    st.stop()
gates = seen.gates[block.id][0]

st.plotly_chart(gate_bars(gates), alt=f"The gates of block {block.id}, sorted", key="bars")
c = st.number_input(
    f"Channel of block {block.id} (0 to {wide - 1})", 0, wide - 1, min(int(gates.argmax()), wide - 1),
    key="channel", bind="query-params", width=280,
)  # fmt: skip
c = min(int(c), wide - 1)
maps = seen.features[before][0][c], seen.features[after][0][c]
shown = normalised_maps(*maps)

st.header(f"Channel {c}, from map to gated map")
one, two, three = st.columns(3, gap="large")
with one:
    st.subheader("1. The map")
    st.image(map_image(shown[0]), width="stretch", alt=f"Map of channel {c} before the gate")
    st.markdown(f"What the depthwise convolution made of your picture: {size} × {size} values.")
with two:
    st.subheader("2. Squeeze")
    st.latex(
        rf"s_{{{c}}} = \frac{{1}}{{{size}\cdot{size}}}\sum_{{y,x}} m_{{{c}}}(y,x) = {steps.squeeze[c]:.4f}"
    )
    st.markdown(
        f"The mean of the map. All {wide} channels are squeezed in the same way: {wide} numbers "
        f"instead of {exact(wide * size * size)}."
    )
with three:
    st.subheader("3. Reduce")
    st.latex(rf"z = W_r\,s + b_r \qquad W_r: {narrow}\times{wide}")
    st.plotly_chart(signed_bars(steps.reduce, "z"), alt="Values after reduce", key="reduce")

four, five, six = st.columns(3, gap="large")
with four:
    st.subheader(f"4. {chosen.spec.activation}")
    st.latex(r"r = z \cdot \sigma(z)")
    st.plotly_chart(signed_bars(steps.activated, "r"), alt="Values after the activation", key="act")
with five:
    st.subheader("5. Expand")
    st.latex(rf"u_{{{c}}} = \sum_j W_e[{c},j]\,r_j + b_e[{c}] = {steps.expand[c]:.4f}")
    parts = np.append(steps.contributions(c), steps.expand_bias[c])
    names = [*map(str, range(narrow)), "bias"]
    st.plotly_chart(signed_bars(parts, "adds", names), alt="What each value adds", key="parts")
with six:
    st.subheader("6. Sigmoid")
    st.latex(rf"g_{{{c}}} = \frac{{1}}{{1+e^{{-u}}}} = {steps.gate[c]:.4f}")
    st.plotly_chart(
        sigmoid_point(float(steps.expand[c])), alt="The gate on the sigmoid", key="sigmoid"
    )

seven, words = st.columns([1, 2], gap="large")
with seven:
    st.subheader("7. Scale")
    st.image(map_image(shown[1]), width="stretch", alt=f"Map of channel {c} after the gate")
with words:
    st.latex(rf"m'_{{{c}}} = {steps.gate[c]:.3f}\cdot m_{{{c}}}")
    st.markdown(
        f"Every value of the map is multiplied by the gate. The largest value falls from "
        f"**{maps[0].max():.3f}** to **{maps[1].max():.3f}**, and what is left goes on to the "
        f"projection. The gate read from the network is {gates[c]:.4f}; the steps above were "
        f"recomputed from its weights and give {steps.gate[c]:.4f}."
    )
show_device()
