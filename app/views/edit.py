"""Change gates and see what the network then says."""

from __future__ import annotations

import streamlit as st

from app import computing, session
from app.edited import answers, figures, moved_gates, verdict
from app.lab import choose_edit, kept_edits, mean_gates, parsed_edits, second_picture
from app.maps import enlarge
from app.onward import onward
from app.pictures import pick_picture
from app.running import class_name, job_for, offer_se_network, pick_class, show_device
from app.text import escaped, refuse
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
st.markdown(
    "What do the gates do for this picture? Change them and see at once what the network then says."
)
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
        picture, controls = st.columns([2, 5], gap="large")
        with picture:
            st.image(
                enlarge(job.ready.pixels), width="stretch", alt="The picture as the network sees it"
            )
            best, p = base.trace.top(1)[0]
            st.caption(
                f"Unedited, the network says {escaped(class_name(best, labels))} ({percent(p)})."
            )
        with controls, st.container(border=True):
            draft = choose_edit(chosen)
            slot = st.container()
            kept_edits(draft)  # drawn before it is read: its text may come from the address
            edits = (*parsed_edits(), draft)
            mean = other = None
            with slot:
                if any(e.kind == "mean" for e in edits):
                    mean = mean_gates(choice, kind)
                if any(e.kind == "swap" for e in edits):
                    other = second_picture(choice, kind, held)
            target = pick_class(choice, base.trace)
        after = computing.run_edits(job, edits, mean, other)
        result = effect(base.trace, after, target)
        st.subheader(verdict(base.trace, after, result, labels), anchor=False)
        name = class_name(target, labels)
        figures(result, after, target, escaped(name))
        answers(choice, job, base.trace, after, edits, mean, other, target)
        moved_gates(result)
    except EffnetError as error:
        refuse(error)
        return

    st.header("What if these gates were weaker or stronger?")
    place = {"all": "all blocks"}.get(
        draft.where, f"{'block' if '.' in draft.where else 'stage'} {draft.where}"
    )
    st.markdown(f"All gates of {place} times k, from 0 to 2; nothing else is changed.")
    points = computing.run_sweep(job, draft.where, target, FACTORS)
    st.plotly_chart(sweep_curve(points, name), alt="Probability against the factor", key="sweep")


bench()

st.header("Which block's SE matters most for this picture?")
st.markdown("Each block's SE is switched off in turn (gate = 1), all others stay as they are.")
if session.get("ranked") == job.key or st.button("Try every block", icon=":material/sort:"):
    session.put("ranked", job.key)
    try:
        ranked = computing.run_ranking(job, computing.baseline(job).trace.top(1)[0][0])
        first, last = ranked[0], ranked[-1]
        st.markdown(
            f"For this picture **block {first[0]}** matters most: without its SE "
            f"{percent(first[1].shifted)} of all probability moves to other classes "
            f"({first[1].kl:.4f} bits). Block {last[0]} matters least: {percent(last[1].shifted)} "
            f"({last[1].kl:.2g} bits)."
        )
        st.plotly_chart(
            block_bars([b for b, _ in ranked], [e.kl for _, e in ranked], "KL divergence, bits"),
            alt="Blocks by the divergence that switching off their SE causes", key="ranking",
        )  # fmt: skip
        st.caption(
            "Ordered by KL divergence. The network was trained to expect its gates, so this shows what "
            "it relies on for this picture, not what it could have learnt without them."
        )
    except EffnetError as error:
        refuse(error)
onward("edit")
show_device()
