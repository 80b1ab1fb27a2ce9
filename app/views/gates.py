"""The gates of every SE block for one picture."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import computing, session
from app.components.diagram import diagram
from app.maps import map_pair
from app.onward import onward
from app.pictures import pick_picture
from app.running import job_for, normalised_maps, offer_se_network, show_answer, show_device
from app.tables import show_table
from app.text import refuse
from app.weights import chosen_weights
from app.widgets import network_map, wait_for_torch
from effnet.drawing.diagram import network_dot
from effnet.drawing.gate_charts import gate_bars, gate_histogram, gate_map
from effnet.drawing.numbers import percent
from effnet.errors import EffnetError
from effnet.inspection.gates import gate_stats

SHOWN = 4  # channels at each end whose maps are drawn

chosen = session.selected()
st.title("Squeeze-and-excitation gates")
st.markdown(
    "For each picture anew, an SE block gives every channel a **gate** between 0 (closed) and 1 (open) and "
    "multiplies the channel's map by it."
)
choice = chosen_weights()
held = pick_picture("fashion" if choice.info.preprocessing.grey else "photo")
if not chosen.spec.has_se:
    offer_se_network(chosen)
    st.stop()
if not wait_for_torch():
    st.stop()

block = chosen.spec.block(chosen.block)
before, after = f"{block.id}.depthwise", f"{block.id}.scaled"
job = job_for(choice, held)
try:
    seen = computing.run_trace(job, (before, after))
except EffnetError as error:
    refuse(error)
    st.stop()
gates = {name: values[0] for name, values in seen.gates.items()}
mine = gates[block.id]

show_answer(choice, job, seen)
network_map(chosen, key="map")

st.header(f"The {len(mine)} gates of block {block.id}")
stats = gate_stats(mine)
with st.container(horizontal=True, gap="medium"):
    st.metric("Mean", f"{stats.mean:.3f}", width="content")
    st.metric(
        "Spread", f"{stats.spread:.3f}", width="content", help="standard deviation over channels"
    )
    st.metric(
        "Near 0", percent(stats.closed), width="content", help="share of gates below 0.1: closed"
    )
    st.metric("Near 1", percent(stats.open), width="content", help="share of gates above 0.9: open")
bars, histogram = st.columns([3, 2], gap="medium")
bars.markdown("**Every gate, sorted**")
bars.plotly_chart(gate_bars(mine), alt="Gates of the block, sorted", key="bars")
histogram.markdown("**How many channels have which gate**")
histogram.plotly_chart(gate_histogram(mine), alt="Histogram of the block's gates", key="histogram")

order = np.argsort(-mine, kind="stable")
with st.expander("All gates with their channel numbers, the most open first"):
    listed = [{"Channel": int(c), "Gate": round(float(mine[c]), 4)} for c in order]
    show_table(listed, f"{chosen.spec.name}-{block.id}-gates", "Gates by channel", height=300)
st.subheader("Channels before and after their gate")
maps_before, maps_after = seen.features[before][0], seen.features[after][0]
for name, channels in (("Most open", order[:SHOWN]), ("Most closed", order[: -SHOWN - 1 : -1])):
    st.markdown(f"**{name}**")
    with st.grid(SHOWN, min_column_width=150) as grid:
        for c in channels:
            pair = normalised_maps(maps_before[c], maps_after[c])
            with grid.cell():
                st.image(
                    map_pair(*pair), width="stretch", alt=f"Channel {c} before and after its gate"
                )
                st.caption(f"channel {c}: gate {mine[c]:.3f}")
st.caption("Left before, right after; both on the scale of the map before the gate.")

st.header("All blocks")
STATISTICS = {"mean": 0, "spread": 1, "share closed": 2}
by = st.segmented_control(
    "Colour by", list(STATISTICS), default="mean", key="tint", bind="query-params", required=True
)
values = {name: gate_stats(g)[STATISTICS.get(by or "", 0)] for name, g in gates.items()}
most = max(values.values()) or 1.0
diagram(
    network_dot(chosen.spec, range(2, 9)),
    key="tinted",
    label=f"The whole network coloured by the gates' {by}",
    selected=[block.id],
    clickable=list(values),
    tints={name: value / most for name, value in values.items()},
    hint=f"Strongest colour: {by} {most:.3f}. Click a block to choose it.",
    on_pick=session.choose_block,
)
ordered = st.segmented_control(
    "Order of channels", ["by channel", "sorted"], default="by channel", key="order",
    bind="query-params", required=True,
)  # fmt: skip
st.markdown("**Every gate of every block**")
st.plotly_chart(gate_map(gates, ordered == "sorted"), alt="Gates of all blocks", key="gate_map")
rows = []
for name, values in gates.items():
    s = gate_stats(values)
    rows.append(
        {"Block": name, "Channels": len(values), "Mean": round(s.mean, 4), "Spread": round(s.spread, 4),
         "Near 0": round(s.closed, 4), "Near 1": round(s.open, 4)}
    )  # fmt: skip
with st.expander("Numbers of every block"):
    show_table(rows, f"{chosen.spec.name}-gates", "Gate statistics by block")
onward("gates")
show_device()
