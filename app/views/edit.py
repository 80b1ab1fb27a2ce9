"""Change gates and see what the network then says."""

from __future__ import annotations

import streamlit as st

from app import computing, session
from app.lab import answer_columns, choose_edit, mean_gates, parsed_edits, second_picture
from app.pictures import pick_picture
from app.running import class_name, job_for, offer_se_network, pick_class, show_device
from app.text import refuse
from app.weights import chosen_weights
from app.widgets import network_map, wait_for_torch
from effnet.drawing.gate_charts import block_bars, sweep_curve
from effnet.drawing.numbers import percent
from effnet.errors import EffnetError
from effnet.inspection.edits import effect
from effnet.weights.labels import labels_of

FACTORS = tuple(round(0.1 * i, 1) for i in range(21))

chosen = session.selected()
st.title("Edit the gates")
choice = chosen_weights()
kind = "fashion" if choice.info.preprocessing.grey else "photo"
held = pick_picture(kind)
network_map(chosen, key="map")
if not chosen.spec.has_se:
    offer_se_network(chosen)
    st.stop()
if not wait_for_torch():
    st.stop()
job = job_for(choice, held)
labels = labels_of(choice.info)


@st.fragment
def bench() -> None:
    """Everything that answers while a slider is dragged."""
    try:
        base = computing.baseline(job)
        target = pick_class(choice, base.trace)
        draft = choose_edit(chosen)
        edits = (*parsed_edits(), draft)
        mean = mean_gates(choice, kind) if any(e.kind == "mean" for e in edits) else None
        other = second_picture(choice, kind, held) if any(e.kind == "swap" for e in edits) else None
        after = computing.run_edits(job, edits, mean, other)
        result = effect(base.trace, after, target)
        answer_columns(choice, job, base.trace, after, edits, mean, other, target)
    except EffnetError as error:
        refuse(error)
        return
    name = class_name(target, labels)
    with st.container(horizontal=True, gap="medium"):
        before_p, after_p = result.probability
        st.metric(
            "Probability",
            percent(after_p),
            f"{100 * (after_p - before_p):+.1f} points",
            width="content",
        )
        st.metric(
            "Logit", f"{after.logits[0][target]:.3f}", f"{result.logit:+.3f}", width="content"
        )
        st.metric(
            "Divergence", f"{result.kl:.4f} bits", width="content",
            help="Kullback-Leibler divergence of the whole distribution after from the one before; "
            "0 means that nothing changed.",
        )  # fmt: skip
    moved = {b: v for b, v in result.moved.items() if v > 0}
    if moved:
        st.plotly_chart(
            block_bars(list(moved), list(moved.values()), "mean change of the gates"),
            alt="How far the gates of each block moved", key="moved",
        )  # fmt: skip
        st.caption("The edited gates, and later ones that answered to the edit.")

    st.header("What if these gates were weaker or stronger?")
    where = draft.where
    points = computing.run_sweep(job, where, target, FACTORS)
    st.plotly_chart(sweep_curve(points, name), alt="Probability against the factor", key="sweep")
    place = {"all": "all blocks"}.get(where, f"block {where}" if "." in where else f"stage {where}")
    st.caption(f"All gates of {place} times k, nothing else changed.")


bench()

st.header("Which block's SE matters most for this picture?")
st.markdown("Each block's SE is switched off in turn (gate = 1), all others stay as they are.")
if session.get("ranked") == job.key or st.button("Try every block", icon=":material/sort:"):
    session.put("ranked", job.key)
    try:
        ranked = computing.run_ranking(job, computing.baseline(job).trace.top(1)[0][0])
        st.plotly_chart(
            block_bars([b for b, _ in ranked], [e.kl for _, e in ranked], "divergence, bits"),
            alt="Blocks by the divergence that switching off their SE causes", key="ranking",
        )  # fmt: skip
        first = ranked[0]
        st.markdown(
            f"For this picture **block {first[0]}** matters most: without its SE the distribution "
            f"moves by {first[1].kl:.4f} bits. The last of the {len(ranked)} moves it by "
            f"{ranked[-1][1].kl:.2g} bits."
        )
    except EffnetError as error:
        refuse(error)
show_device()
