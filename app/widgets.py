"""The pickers that all pages share."""

from __future__ import annotations

import streamlit as st

from app import computing, session
from app.address import beyond, not_choices, not_numbers, tell
from app.components.diagram import diagram
from app.text import refuse
from app.yours import own_weights
from effnet.architecture.scaling import ALPHA, BETA, GAMMA
from effnet.architecture.spec import Spec
from effnet.drawing.diagram import network_dot
from effnet.drawing.words import title
from effnet.limits import LIMITS
from effnet.weights.catalog import entries_for

PHI_RANGE = (-8.0, 10.0)
"""What the field for phi in the row takes."""


def pick_network() -> None:
    """The row on top of every page: network, phi or options, block, weights.

    It is drawn by the entry script, so that what it says goes along from page to page.
    """
    tell(
        *not_choices({"net": session.networks(), "se": session.SE_RULES}),
        *not_numbers(("phi", "px", "alpha", "beta", "gamma")),
        *beyond({"phi": PHI_RANGE, "px": (0, LIMITS.max_resolution)}),
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Network", session.networks(), key="net", bind="query-params", width=120,
            help="B0 to B8, L2 and Lite are the released networks. Mini was trained by this "
            "project and comes with it. phi scales B0 by the law of the paper.",
        )  # fmt: skip
        if session.network() == session.BY_PHI:
            st.number_input(
                "phi", *PHI_RANGE, 0.0, 0.1, key="phi", bind="query-params", width=140,
                help="depth alpha^phi, width beta^phi, resolution 224 · gamma^phi; 0 is B0",
            )  # fmt: skip
        blocks, weights = st.container(width=110), st.container(width=270)
        with st.popover("Options", icon=":material/tune:"):
            _options()
    spec, problem = session.current_spec()
    ids = spec.block_ids
    if session.get("block") is None:  # else the address still names the last network's block
        tell(*not_choices({"block": ids}))
    session.fit_block(spec)
    with blocks:
        st.selectbox(
            "Block", ids, index=ids.index(session.default_block(spec)), key="block",
            bind="query-params", help="stage.repeat: 4.2 is the second block of stage 4",
        )  # fmt: skip
    block = session.get("block")
    if block not in spec.block_ids:
        block = session.default_block(spec)
    if problem:
        refuse(ValueError(problem))
    names = weight_names(session.network(), spec)
    if session.get("weights") not in names:
        session.put("weights", names[0])
    with weights:
        st.selectbox(
            "Weights", names, key="weights", bind="query-params",
            help="Where the numbers come from on the pages that run the network. Untrained networks "
            "show the wiring only.",
        )  # fmt: skip
    picked = session.get("weights")
    picked = picked if picked in names else names[0]
    session.put("selection", session.Selection(session.network(), spec, block, picked))


def weight_names(network: str, spec: Spec) -> tuple[str, ...]:
    """Names of the catalogue that fit the network on screen, the default first; `untrained` last."""
    if network == session.OWN_NETWORK:
        return (session.YOURS,)
    library = session.NAMED.get(network)
    official = spec.config.se_reduce_from == "input"
    names = tuple(e.name for e in entries_for(library)) if library and official else ()
    return (*names, session.UNTRAINED)


def _options() -> None:
    st.number_input(
        "Input size, px (0: the network's own)", 0, LIMITS.max_resolution, 0, 8, key="px",
        bind="query-params",
    )  # fmt: skip
    st.segmented_control(
        "SE width from", session.SE_RULES, default="official", key="se", bind="query-params",
        required=True,
        help="Official: a quarter of the block's input channels. Many tutorials take a quarter of "
        "the expanded channels; see what that costs.",
    )  # fmt: skip
    if session.network() == session.BY_PHI:
        for name, value in (("alpha", ALPHA), ("beta", BETA), ("gamma", GAMMA)):
            st.number_input(name, value=value, step=0.01, key=name, bind="query-params")
    own_weights()


def network_map(chosen: session.Selection, key: str) -> None:
    """The whole network as a small clickable map; choosing here is choosing everywhere."""
    stage = int(chosen.block.split(".")[0])
    stages = [f"stage-{s.number}" for s in chosen.spec.stages if s.number != stage]
    blocks = [b for b in chosen.spec.block_ids if b.startswith(f"{stage}.")]
    diagram(
        network_dot(chosen.spec, [stage]),
        key=key,
        label=f"{title(chosen.spec)}, stage by stage",
        selected=[chosen.block],
        clickable=[*stages, *blocks],
        hint="Click a stage to open it, a block to choose it. Drag to move.",
        on_pick=session.choose_block,
    )


def wait_for_torch() -> bool:
    """True when PyTorch is loaded; else says that it is loading and looks again by itself."""
    if computing.torch_ready():
        return True
    _watch_torch()
    return False


@st.fragment(run_every=0.6)
def _watch_torch() -> None:
    if computing.torch_ready():
        st.rerun()
    st.caption(":material/hourglass_top: PyTorch is loading; this takes a few seconds once.")
