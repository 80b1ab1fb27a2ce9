"""What one visitor has chosen: the only module that uses `st.session_state` and `st.query_params`.

Widgets with `bind="query-params"` put the selection into the URL; the keys are `net`, `phi`,
`block`, `weights` and, where they differ from the default, `se`, `px`, `alpha`, `beta`, `gamma`.
A chosen sample picture stands there as `picture`; a visitor's own never does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from effnet.architecture.scaling import ALPHA, BETA, GAMMA, rebuild, scale
from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.errors import SpecError

NAMED = {
    **{f"B{i}": f"b{i}" for i in range(9)},
    "L2": "l2",
    **{f"Lite{i}": f"lite{i}" for i in range(5)},
    "Mini": "mini",
}
"""What the menu shows (and the URL holds) -> the library's name."""

UNTRAINED, YOURS = "untrained", "yours"
OWN_NETWORK = "Yours"
"""The menu's entry for an uploaded checkpoint; it is there once one was read."""
BY_PHI = "phi"
NETWORKS = (*NAMED, BY_PHI)
DEFAULT_NETWORK, DEFAULT_BLOCK = "B0", "4.2"
SE_RULES = ("official", "expanded")


@dataclass(frozen=True)
class Selection:
    """The network, block and weights on screen.

    Attributes:
        network: the menu's entry. weights: a name of the catalogue, or `untrained`.
    """

    network: str
    spec: Spec
    block: str
    weights: str = UNTRAINED


# --- the selection ---------------------------------------------------------------------------


def get(key: str, default: Any = None) -> Any:
    """A value of this visitor's state."""
    return st.session_state.get(key, default)


def put(key: str, value: Any) -> None:
    """Set it; for a widget's key only before the widget is drawn, or in a callback."""
    st.session_state[key] = value


def selected() -> Selection:
    """The network and block on screen, as the row on top of the page says."""
    selection: Selection = st.session_state["selection"]
    return selection


def asked_by_url(key: str, known: Sequence[str]) -> str:
    """What a link that was opened, or gone back to, says for `key`; empty when it says nothing new.

    For choices that no widget binds to the address; `show_in_url` is the other half. The first of
    `known` is the default, which the address leaves out. Another page begins with an address
    without the choice; on the same page, going back to such an address asks for the default.
    """
    said = st.query_params.get(key, "")
    page, shown = get(f"{key} in url") or ("", "")
    if said == shown:
        return ""
    if not said and page == get("page"):
        return known[0]
    return said if said in known else ""


def show_in_url(key: str, value: str) -> None:
    """Let the address say `key=value`, or nothing about it when the value is empty."""
    put(f"{key} in url", (get("page"), value))
    if value and st.query_params.get(key) != value:
        st.query_params[key] = value
    elif not value and key in st.query_params:
        del st.query_params[key]


def network() -> str:
    """The menu's entry, whatever the URL said."""
    name = get("net")
    return name if name in networks() else DEFAULT_NETWORK


def networks() -> tuple[str, ...]:
    """The menu: the named networks, phi, and the visitor's own."""
    return (*NETWORKS, OWN_NETWORK) if get(YOURS) is not None else NETWORKS


def _number(key: str, default: float) -> float:
    value = get(key)
    return float(value) if isinstance(value, (int, float)) else default


def named_spec(name: str) -> Spec:
    """The released network behind a menu entry."""
    return spec_for(NAMED[name])


def wanted_spec() -> Spec:
    """The network that the widgets ask for.

    Raises:
        SpecError: when there is no such network.
    """
    if network() == OWN_NETWORK:
        own: Spec = get(YOURS).spec
        return own
    changes: dict[str, Any] = {}
    if get("se") == SE_RULES[1]:
        changes["se_reduce_from"] = "expanded"
    if isinstance(get("px"), (int, float)) and get("px"):
        changes["resolution"] = int(get("px"))
    if network() != BY_PHI:
        return (
            rebuild(spec_for(NAMED[network()]), **changes)
            if changes
            else spec_for(NAMED[network()])
        )
    return scale(
        _number("phi", 0.0), alpha=_number("alpha", ALPHA), beta=_number("beta", BETA),
        gamma=_number("gamma", GAMMA), **changes,
    )  # fmt: skip


def current_spec() -> tuple[Spec, str]:
    """The network on screen and, when the last wish made none, the sentence that says why."""
    try:
        spec = wanted_spec()
    except SpecError as error:
        return get("last_good") or spec_for("b0"), str(error)
    put("last_good", spec)
    return spec, ""


def fit_block(spec: Spec) -> None:
    """Keep the chosen block where the network has it, else the nearest one of its stage."""
    wanted = get("block")
    if not isinstance(wanted, str) or wanted in spec.block_ids:
        return
    stage = wanted.split(".")[0]
    same = [b for b in spec.block_ids if b.startswith(f"{stage}.")]
    put("block", same[-1] if same else default_block(spec))


def default_block(spec: Spec) -> str:
    """4.2 where it exists: the first MBConv6 5×5 with a residual."""
    return DEFAULT_BLOCK if DEFAULT_BLOCK in spec.block_ids else "4.1"


def choose_block(name: str) -> None:
    """A callback's way to choose a block or the first block of a stage (`stage-4`)."""
    if name.startswith("stage-"):
        stage = name.removeprefix("stage-")
        name = f"{stage}.1" if stage not in ("1", "9") else name
    put("block", name)


def component_value(key: str, name: str) -> Any:
    """What a component reported in the event that caused this run."""
    value = st.session_state.get(key)
    return value.get(name) if value else None


def on_number(
    key: str, name: str, low: float, high: float, then: Callable[[float], None]
) -> Callable[[], None]:
    """A component's callback that passes on the number it reported, where it lies from low to high."""

    def callback() -> None:
        sent = component_value(key, name)
        # Any client can send anything; a NaN is between no ends.
        if isinstance(sent, (int, float)) and low <= sent <= high:
            then(round(float(sent), 6))

    return callback
