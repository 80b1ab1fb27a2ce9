"""The gates of two pictures side by side, or of one picture in two networks."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import computing, session
from app.maps import map_pair
from app.onward import onward
from app.pictures import pick_picture
from app.running import job_for, normalised_maps, offer_se_network, show_answer, show_device
from app.tables import show_table
from app.text import UNTRAINED, refuse
from app.weights import choice_of, chosen_weights
from app.widgets import network_map, wait_for_torch, weight_names
from effnet.drawing.gate_charts import depth_lines, gate_map, gate_scatter
from effnet.errors import EffnetError
from effnet.inspection.gates import gate_stats

MODES = ("two pictures", "two networks")
SHOWN = 4

chosen = session.selected()
st.title("Compare gates")
st.markdown(
    "Do the gates answer to the picture? Put two pictures beside each other, or one picture in two networks."
)
mode = st.segmented_control(
    "Compare", MODES, default=MODES[0], key="pair", bind="query-params", required=True
)
choice = chosen_weights()
kind = "fashion" if choice.info.preprocessing.grey else "photo"
if not chosen.spec.has_se:
    offer_se_network(chosen)
    st.stop()


def two_pictures() -> None:
    """Scatter of the chosen block's gates, and the channels that differ most."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Picture A")
        a = pick_picture(kind)
    with right:
        st.subheader("Picture B")
        b = pick_picture(kind, "picture2", skip=a.id, adding=False)
    network_map(chosen, key="map")
    if not wait_for_torch():
        return
    points = (f"{chosen.block}.depthwise", f"{chosen.block}.scaled")
    jobs = [job_for(choice, held) for held in (a, b)]
    runs = [computing.run_trace(job, points) for job in jobs]
    for column, job, run, name in zip((left, right), jobs, runs, "AB", strict=True):
        with column:
            show_answer(choice, job, run, key=f"top5_{name}")
    ga, gb = (run.gates[chosen.block][0] for run in runs)
    most = np.argsort(-np.abs(ga - gb), kind="stable")[:SHOWN]
    st.header(f"Block {chosen.block}: {len(ga)} gates, A against B")
    cloud, table = st.columns([3, 2], gap="large")
    with cloud:
        figure = gate_scatter(ga, gb, ("A", "B"), [int(c) for c in most])
        st.plotly_chart(figure, alt="Gate for A against gate for B", key="scatter")
        st.caption("On the dotted line a gate is the same for both pictures.")
    with table:
        r = float(np.corrcoef(ga, gb)[0, 1]) if ga.std() and gb.std() else float("nan")
        with st.container(horizontal=True, gap="medium"):
            st.metric(
                "Correlation of the gates", f"{r:.3f}", width="content",
                help="1: the same channels are open for both, though perhaps not equally far.",
            )  # fmt: skip
            st.metric(
                "Mean difference", f"{np.abs(ga - gb).mean():.4f}", width="content",
                help="How far apart the two gates of a channel are on average; gates lie between 0 and 1.",
            )  # fmt: skip
        rows = [
            {"Channel": int(c), "A": round(float(ga[c]), 4), "B": round(float(gb[c]), 4),
             "A − B": round(float(ga[c] - gb[c]), 4)}
            for c in np.argsort(-np.abs(ga - gb), kind="stable")
        ]  # fmt: skip
        show_table(
            rows, f"{chosen.spec.name}-{chosen.block}-gates", "Gates of both pictures", height=240
        )
    st.subheader("The channels that differ most")
    with st.grid(SHOWN, min_column_width=150) as grid:
        for c in most:
            with grid.cell():
                for run, name, gate in ((runs[0], "A", ga[c]), (runs[1], "B", gb[c])):
                    pair = normalised_maps(*(run.features[p][0][c] for p in points))
                    st.image(map_pair(*pair), width="stretch", alt=f"Channel {c}, picture {name}")
                    st.caption(f"{name}, channel {c}: gate {gate:.3f}")
    st.caption(
        "Left before, right after the gate; each on the scale of its own map before the gate."
    )
    st.subheader("Through the whole network")
    lines = {
        n: [float(r.gates[k].mean()) for k in r.gates] for n, r in zip("AB", runs, strict=True)
    }
    st.plotly_chart(
        depth_lines(list(runs[0].gates), lines, "mean gate"), alt="Mean gate by block", key="depth"
    )


def two_networks() -> None:
    """Gate statistics by depth, for this picture in another network."""
    held = pick_picture(kind)
    names = [n for n in session.NAMED if not n.startswith("Lite")]
    with st.container(horizontal=True, gap="small"):
        other = st.selectbox(
            "Second network", names, index=names.index("B1"), key="net2", bind="query-params",
            width=160,
        )  # fmt: skip
        other = other if other in names else "B1"
        second = session.Selection(other, session.named_spec(other), "4.1")
        theirs = weight_names(other, second.spec)
        name = st.selectbox("Its weights", theirs, key="weights2", bind="query-params", width=270)
    name = name if name in theirs else theirs[-1]
    if name == session.UNTRAINED:
        st.warning(UNTRAINED, icon=":material/science:")
    if not wait_for_torch():
        return
    runs = {}
    sides = (
        (f"{chosen.network}, {choice.name}", choice),
        (f"{other}, {name}", choice_of(name, second)),
    )
    for number, (column, (title, c)) in enumerate(
        zip(st.columns(2, gap="large"), sides, strict=True)
    ):
        job = job_for(c, held)
        seen = computing.run_trace(job)
        gates = {block: g[0] for block, g in seen.gates.items()}
        runs[f"{title} (second)" if title in runs else title] = [
            gate_stats(g) for g in gates.values()
        ]
        with column:
            st.subheader(title, anchor=False)
            show_answer(c, job, seen, key=f"top5_{number}")
            st.markdown("**Its gates, each block sorted**")
            st.plotly_chart(
                gate_map(gates, ordered=True), alt=f"Gates of {title}", key=f"gates_{number}"
            )
    st.header("Mean gate from the first block to the last")
    lines = {title: [s.mean for s in stats] for title, stats in runs.items()}
    st.plotly_chart(depth_lines(None, lines, "mean gate"), alt="Mean gate by depth", key="means")
    st.header("Spread over channels")
    lines = {title: [s.spread for s in stats] for title, stats in runs.items()}
    st.plotly_chart(depth_lines(None, lines, "spread"), alt="Spread by depth", key="spreads")
    st.caption(
        "Channel 5 of one network has nothing to do with channel 5 of the other, even where they have equally "
        "many, so statistics of blocks are compared, not channels."
    )


try:
    if mode == MODES[1]:
        two_networks()
    else:
        two_pictures()
    onward("pair")
    show_device()
except EffnetError as error:
    refuse(error)
