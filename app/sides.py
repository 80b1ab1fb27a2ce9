"""The two pickers of the Compare page: how a network is asked for, kept and named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app import session
from app.address import beyond, not_choices, not_numbers, tell
from app.text import refuse
from effnet.architecture.scaling import ALPHA, BETA, GAMMA, law, scale
from effnet.architecture.spec import Config, Spec
from effnet.architecture.variants import spec_for
from effnet.errors import SpecError
from effnet.limits import LIMITS

DEFAULTS = {"a": "B0", "b": "B4"}
CONSTANTS = {"alpha": ALPHA, "beta": BETA, "gamma": GAMMA}
SIGNS = "αβγ"
USUAL: dict[str, Any] = {"phi": 0.0, "se": session.SE_RULES[0], "px": 0, **CONSTANTS}
"""What a side has where nobody asked for anything: the widget's key without `a_` or `b_`."""

SUGGESTIONS: dict[str, dict[str, Any]] = {
    "B0 and B4": {"a": "B0", "b": "B4"},
    "B0 and Lite0": {"a": "B0", "b": "Lite0"},
    "Official SE and expanded SE": {"a": "B0", "b": "B0", "b_se": session.SE_RULES[1]},
    "φ = 1 and B2": {"a": session.BY_PHI, "a_phi": 1.0, "b": "B2"},
    "B0 and B0 with B4's pictures": {"a": "B0", "b": "B0", "b_px": spec_for("b4").resolution},
}
"""Button -> what it sets; what it does not name goes back to its default."""


def tell_bad_address() -> None:
    """Say what the address asks for and cannot have; before the widgets are drawn."""
    choices = dict.fromkeys(DEFAULTS, session.NETWORKS)
    rules = {f"{side}_se": session.SE_RULES for side in DEFAULTS}
    numbers = [f"{side}_{name}" for side in DEFAULTS for name in ("phi", "px", *CONSTANTS)]
    tell(
        *not_choices({**choices, **rules}),
        *not_numbers(numbers),
        *beyond({f"{side}_px": (0, LIMITS.max_resolution) for side in DEFAULTS}),
    )


def suggest(wanted: Mapping[str, Any]) -> None:
    """A callback: choose two networks at once."""
    for side, network in DEFAULTS.items():
        session.put(side, wanted.get(side, network))
        for name, value in USUAL.items():
            session.put(f"{side}_{name}", wanted.get(f"{side}_{name}", value))


def pick(side: str) -> Spec:
    """The picker of side `a` or `b`; a wish that makes no network leaves the last one."""
    letter = side.upper()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            f"Network {letter}", session.NETWORKS, session.NETWORKS.index(DEFAULTS[side]), key=side,
            bind="query-params", width=120,
        )  # fmt: skip
        name = session.get(side)
        name = name if name in session.NETWORKS else DEFAULTS[side]
        if name == session.BY_PHI:
            st.number_input(
                f"φ of {letter}", value=0.0, step=0.1, format="%.4g", key=f"{side}_phi",
                bind="query-params", width=120,
            )  # fmt: skip
        st.segmented_control(
            f"SE width of {letter} from", session.SE_RULES, default=session.SE_RULES[0],
            key=f"{side}_se", bind="query-params", required=True,
            help="Official: a quarter of the block's input channels. Expanded: a quarter of the "
            "expanded channels, as many tutorials have it.",
        )  # fmt: skip
        with st.popover("Options", icon=":material/tune:"):
            _options(side, name == session.BY_PHI)
    good = f"compare_good_{side}"
    try:
        spec = _wanted(side, name)
    except SpecError as error:
        refuse(error)
        kept: Spec = session.get(good) or spec_for(session.NAMED[DEFAULTS[side]])
        st.caption(f"Still shown as {letter}: {title(kept)}.")
        return kept
    session.put(good, spec)
    return spec


def _options(side: str, by_phi: bool) -> None:
    st.number_input(
        f"Input size of {side.upper()}, px (0: the network's own)", 0, LIMITS.max_resolution, 0, 8,
        key=f"{side}_px", bind="query-params",
    )  # fmt: skip
    if by_phi:
        for (name, value), sign in zip(CONSTANTS.items(), SIGNS, strict=True):
            st.number_input(
                f"{sign} of {side.upper()}", value=value, step=0.01, format="%.4g",
                key=f"{side}_{name}", bind="query-params",
            )  # fmt: skip


def _wanted(side: str, name: str) -> Spec:
    def number(key: str, usual: float) -> float:
        value = session.get(f"{side}_{key}")
        return float(value) if isinstance(value, (int, float)) else usual

    changes: dict[str, Any] = {}
    if session.get(f"{side}_se") == session.SE_RULES[1]:
        changes["se_reduce_from"] = "expanded"
    if pixels := int(number("px", 0)):
        changes["resolution"] = pixels
    if name != session.BY_PHI:
        return spec_for(session.NAMED[name], **changes)
    constants = {key: number(key, usual) for key, usual in CONSTANTS.items()}
    return scale(number("phi", 0.0), **constants, **changes)


def title(spec: Spec) -> str:
    """`B4`, `φ = 1.5`, `B0, expanded SE`, `B0 at 380 px`, `φ = 1 (β = 1.2)`."""
    config = spec.config
    name = next((k for k, v in session.NAMED.items() if v == config.name), config.name)
    usual = spec_for(config.name).resolution if name in session.NAMED else config.resolution
    if config.phi is not None:
        name, usual = _by_law(config)
    said = name if usual == config.resolution else f"{name} at {config.resolution} px"
    return f"{said}, expanded SE" if spec.has_se and config.se_reduce_from == "expanded" else said


def _by_law(config: Config) -> tuple[str, int]:
    """The name of a network made by the law, and the pixels that the law gives it."""
    used = {key: getattr(config, key) or usual for key, usual in CONSTANTS.items()}
    changed = [
        f"{sign} = {used[key]:g}"
        for key, sign in zip(CONSTANTS, SIGNS, strict=True)
        if used[key] != CONSTANTS[key]
    ]
    said = f"φ = {config.phi:g}" + (f" ({', '.join(changed)})" if changed else "")
    return said, law(config.phi or 0.0, **used).pixels
