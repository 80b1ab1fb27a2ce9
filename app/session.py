"""What one visitor has chosen, and what the server keeps for all: the only module that uses
`st.session_state`, `st.query_params` and Streamlit's caches.

Widgets with `bind="query-params"` put the selection into the URL; the keys are `net`, `phi`,
`block`, `weights` and, where they differ from the default, `se`, `px`, `alpha`, `beta`, `gamma`.
"""

from __future__ import annotations

import gc
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from effnet.architecture.scaling import ALPHA, BETA, GAMMA, rebuild, scale
from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.errors import SpecError
from effnet.limits import LIMITS

if TYPE_CHECKING:
    from effnet.drawing.summary import Row

NAMED = {
    **{f"B{i}": f"b{i}" for i in range(9)},
    "L2": "l2",
    **{f"Lite{i}": f"lite{i}" for i in range(5)},
    "Mini": "mini",
}
"""What the menu shows (and the URL holds) -> the library's name."""

BY_PHI = "phi"
NETWORKS = (*NAMED, BY_PHI)
DEFAULT_NETWORK, DEFAULT_BLOCK = "B0", "4.2"
SE_RULES = ("official", "expanded")


@dataclass(frozen=True)
class Selection:
    """The network and the block on screen. `problem` is a sentence when the last wish failed."""

    network: str
    spec: Spec
    block: str
    problem: str = ""


# --- the selection ---------------------------------------------------------------------------


def get(key: str, default: Any = None) -> Any:
    """A value of this visitor's state."""
    return st.session_state.get(key, default)


def put(key: str, value: Any) -> None:
    """Set it; for a widget's key only before the widget is drawn, or in a callback."""
    st.session_state[key] = value


def network() -> str:
    """The menu's entry, whatever the URL said."""
    name = get("net")
    return name if name in NETWORKS else DEFAULT_NETWORK


def _number(key: str, default: float) -> float:
    value = get(key)
    return float(value) if isinstance(value, (int, float)) else default


def wanted_spec() -> Spec:
    """The network that the widgets ask for.

    Raises:
        SpecError: when there is no such network.
    """
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


# --- shared by all visitors ------------------------------------------------------------------


def torch_ready() -> bool:
    """True once torch is imported; until then a page must not wait for it without saying so."""
    return bool(_warm_up().is_set())


@st.cache_resource(max_entries=1, show_spinner=False)
def _warm_up() -> threading.Event:
    """Import torch and captum in the background, once per server, while the first page is read."""
    done = threading.Event()

    def work() -> None:
        import captum.attr  # noqa: F401
        import torch  # noqa: F401
        import torchinfo  # noqa: F401

        # What is imported stays for good; the collector need not look at it again.
        gc.collect()
        gc.freeze()
        done.set()

    if "captum.attr" in sys.modules:
        done.set()
    else:
        threading.Thread(target=work, name="warm-up", daemon=True).start()
    return done


@st.cache_data(max_entries=LIMITS.cached_tables, show_spinner="Running torchinfo …")
def layer_table(spec: Spec, block: str | None) -> tuple[Row, ...]:
    """torchinfo's rows; see `effnet.drawing.summary`."""
    from effnet.drawing.summary import summarize

    return summarize(spec, block)
