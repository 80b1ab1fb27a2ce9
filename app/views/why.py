"""Why have SE at all? What was measured, and nothing more."""

from __future__ import annotations

import hashlib

import numpy as np
import streamlit as st

from app import session
from app.evidence import (
    box_profile,
    cost_rows,
    elsewhere_sentence,
    experiments,
    gate_rows,
    opened_profile,
    twin_sentences,
    width_rows,
)
from app.groups import held_groups
from app.onward import onward
from app.tables import show_table
from app.text import refuse
from effnet.architecture.scaling import build, rebuild
from effnet.drawing.gate_charts import block_bars, class_gates, depth_lines
from effnet.drawing.numbers import exact, percent
from effnet.drawing.words import title
from effnet.errors import EffnetError
from effnet.inspection.profile import Profile, specificity, spreads
from effnet.limits import LIMITS


def roles(profile: Profile) -> None:
    """The figure of the SE paper, and by depth how far the group sets the gates."""
    blocks = profile.blocks()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        block = st.selectbox("Block", blocks, index=len(blocks) - 1, key="role_block", width=120)
        names, means = profile.means(block)
        usual = list(dict.fromkeys((*names[:2], names[-1])))
        shown = st.multiselect(
            "Groups", names, usual, max_selections=12, key="role_groups", width=620
        )
    rows = [names.index(g) for g in shown]
    order = np.argsort(means.mean(0), kind="stable")
    st.markdown(f"**Mean gate of each channel of block {block}**")
    st.plotly_chart(
        class_gates(shown, means[rows], order), alt="Mean gate by channel and group", key="classes"
    )
    left, right = st.columns(2, gap="large")
    index = {b: float(specificity(profile, b).mean()) for b in blocks}
    with left:
        st.markdown("**How far does the group set the gate?**")
        st.plotly_chart(
            depth_lines(list(index), {"class-specificity": list(index.values())}, "share of variance"),
            alt="Class-specificity by block", key="specificity",
        )  # fmt: skip
        st.caption(
            "Class-specificity of a channel: the share of its gate's variance over all pictures that their "
            "group explains (correlation ratio eta squared); drawn is the mean over the block's channels. "
            "0: the gate ignores the group; 1: the group alone sets it."
        )
    apart = {b: spreads(profile, b) for b in blocks}
    lines = {
        "within a group": [float(w.mean()) for w, _ in apart.values()],
        "between groups": [float(b.mean()) for _, b in apart.values()],
    }
    with right:
        st.markdown("**How far do the gates move at all?**")
        st.plotly_chart(
            depth_lines(list(blocks), lines, "standard deviation"),
            alt="Spread of the gates within and between groups, by block", key="apart",
        )  # fmt: skip
        st.caption(
            "Standard deviation of a gate between pictures of one group, and of the groups' means; the mean "
            "over the block's channels. A gate that hardly moves can still be class-specific."
        )


chosen = session.selected()
st.title("Why squeeze-and-excitation?")
st.markdown(
    "A convolution does the same to every picture. Squeeze-and-excitation looks at the whole map first "
    "(squeeze: the mean of each channel), decides how much each channel matters for *this* picture "
    "(excite: two small layers and a sigmoid), and turns the channels up or down (scale). "
    "Is that worth it? Here is what can be counted and what was measured."
)

st.header("What it brings")
measured = experiments()
if measured is None:
    st.info(
        "The measurements are missing from this copy; `python -m effnet.training.measure` makes them."
    )
else:
    st.markdown("The network in the box (Mini, on Fashion-MNIST) has a twin that never had SE.")
    for sentence in twin_sentences(measured["twins"], measured["pictures"]):
        st.markdown(f"- {sentence}")
    st.markdown(
        "A small network on small pictures: this does not tell what SE brings to a large one. "
        + elsewhere_sentence()
    )
    st.caption("The model card in assets/weights says how the twins were trained.")
    st.subheader("What the trained gates do")
    st.markdown(
        "The same trained network, with its gates changed while it answers all 10,000 test pictures:"
    )
    show_table(
        gate_rows(measured["gates"]), "gates-changed", "Accuracy with changed gates", download=False
    )
    base = measured["gates"]["as trained"]
    by_block = measured["gates"]["by block"]
    off = {b: 100 * (base - v["off"]) for b, v in by_block.items()}
    mean = {b: 100 * (base - v["mean"]) for b, v in by_block.items()}
    left, right = st.columns(2, gap="large")
    left.markdown("**One block's SE switched off**")
    left.plotly_chart(
        block_bars(list(off), list(off.values()), "points lost"),
        key="off",
        alt="Accuracy lost by block",
    )
    right.markdown("**One block's gates at their mean**")
    right.plotly_chart(
        block_bars(list(mean), list(mean.values()), "points lost"),
        key="mean",
        alt="Accuracy lost by block",
    )
    st.caption(
        "Left: what is lost when a block does without its gates. Right: what is lost when the gates stay but "
        "no longer answer to the picture. The rest of the network was trained to expect them."
    )


st.header("Which pictures open which channels?")
st.markdown(
    "Each line is the mean gate of every channel for the pictures of one class, as in the SE paper "
    "(Hu et al. 2018, section 6.4). Where the lines lie together, the gates do not care about the class."
)
own = st.expander("Your own groups of pictures")
file = own.file_uploader(
    "A profile of a folder", ["parquet"], max_upload_size=LIMITS.checkpoint_bytes // 10**6,
    help="Made by `python -m effnet profile FOLDER --model NAME --out FILE.parquet`; sub-folders are groups.",
)  # fmt: skip
try:
    groups = held_groups(own)
    profile: Profile | None
    if file is not None:
        data = file.getvalue()
        profile = opened_profile(hashlib.sha256(data).hexdigest(), data)
        if profile.info.config.name != chosen.spec.config.name:
            st.caption(
                f":material/info: This profile was made with {title(build(profile.info.config))}, not with "
                f"{title(chosen.spec)}, which is chosen above."
            )
        if profile.damaged:
            with st.expander(f"{len(profile.damaged)} files could not be read"):
                show_table(
                    [{"File": f, "Why": w} for f, w in profile.damaged], "damaged", "Files left out"
                )
    elif groups is not None:
        profile = groups
    else:
        profile = box_profile()
    if profile is not None:
        st.caption(
            f"{exact(profile.pictures)} pictures in {len(profile.groups)} groups, "
            f"{title(build(profile.info.config))}."
        )
        roles(profile)
except EffnetError as error:
    refuse(error)

st.header("What it costs")
b0, b7 = cost_rows()[0], cost_rows()[-1]
st.markdown(
    f"In B0, SE holds **{b0['share of parameters']}** of the parameters and does "
    f"**{b0['share of MACs']}** of the MACs; in B7 {b7['share of parameters']} of the parameters. So it is "
    "nearly free to compute, and not free to store."
)
show_table(cost_rows(), "se-cost", "What SE costs in B0 to B7")

st.header("How wide is the bottleneck?")
if chosen.spec.has_se:
    official = rebuild(chosen.spec, se_reduce_from="input")
    expanded = rebuild(chosen.spec, se_reduce_from="expanded")
    st.markdown(
        f"The official rule takes a quarter of the block's **input** channels; a common mistake takes a "
        f"quarter of the **expanded** ones. {title(official)} has **{exact(official.params)}** parameters by the "
        f"rule and **{exact(expanded.params)}** with the mistake, "
        f"{percent(expanded.params / official.params - 1)} more; MACs grow by only "
        f"{percent(expanded.macs / official.macs - 1)}."
    )
    show_table(
        width_rows(official, expanded), f"{chosen.spec.name}-se-width", "SE width by both rules"
    )
else:
    st.markdown(f"{title(chosen.spec)} has no SE.")
onward("why")
