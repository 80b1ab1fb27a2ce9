"""The two networks of the Compare page: how they are asked for, kept and shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app import session
from app.address import not_choices, not_numbers
from app.components.diagram import diagram
from app.text import refuse
from effnet.architecture.compare import FIELDS, Pair, Part, Total
from effnet.architecture.rounding import number
from effnet.architecture.scaling import scale
from effnet.architecture.spec import Spec
from effnet.architecture.variants import spec_for
from effnet.drawing.diagram import network_dot
from effnet.drawing.numbers import bytes_short, exact, short
from effnet.errors import SpecError

DEFAULTS = {"a": "B0", "b": "B4"}
OPENED = "cmp_stage"

SUGGESTIONS: dict[str, dict[str, Any]] = {
    "B0 and B4": {"a": "B0", "b": "B4"},
    "B0 and Lite0": {"a": "B0", "b": "Lite0"},
    "Official SE and expanded SE": {"a": "B0", "b": "B0", "b_se": session.SE_RULES[1]},
    "φ = 1 and B2": {"a": session.BY_PHI, "a_phi": 1.0, "b": "B2"},
}
"""Button -> what it sets; what it does not name goes back to its default."""

HEADINGS = {
    "operator": "Operator", "channels": "Channels", "repeats": "Repeats", "stride": "Stride",
    "se": "SE widths", "in_size": "Input map", "out_size": "Output map", "params": "Parameters",
    "macs": "MACs", "activation_bytes": "Activations", "receptive_field": "Receptive field",
}  # fmt: skip
MARK = "▸ "
"""In front of every cell whose two sides differ."""


def tell_bad_address() -> None:
    """Say what the address asks for and cannot have; before the widgets are drawn."""
    choices = dict.fromkeys(DEFAULTS, session.NETWORKS)
    rules = {f"{side}_se": session.SE_RULES for side in DEFAULTS}
    for sentence in (
        *not_choices({**choices, **rules}),
        *not_numbers(f"{side}_phi" for side in DEFAULTS),
    ):
        refuse(ValueError(sentence))


def suggest(wanted: Mapping[str, Any]) -> None:
    """A callback: choose two networks at once."""
    for side, usual in DEFAULTS.items():
        session.put(side, wanted.get(side, usual))
        session.put(f"{side}_phi", wanted.get(f"{side}_phi", 0.0))
        session.put(f"{side}_se", wanted.get(f"{side}_se", session.SE_RULES[0]))


def pick(side: str) -> Spec:
    """The picker of side `a` or `b`; a wish that makes no network leaves the last one."""
    letter = side.upper()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            f"Network {letter}", session.NETWORKS, session.NETWORKS.index(DEFAULTS[side]), key=side,
            bind="query-params", width=140,
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


def _wanted(side: str, name: str) -> Spec:
    changes: dict[str, Any] = {}
    if session.get(f"{side}_se") == session.SE_RULES[1]:
        changes["se_reduce_from"] = "expanded"
    if name != session.BY_PHI:
        return spec_for(session.NAMED[name], **changes)
    phi = session.get(f"{side}_phi")
    return scale(float(phi) if isinstance(phi, (int, float)) else 0.0, **changes)


def title(spec: Spec) -> str:
    """`B4`, `φ = 1.5`, `B0, expanded SE`."""
    config = spec.config
    name = f"φ = {config.phi:g}" if config.phi is not None and config.name.startswith("phi") else ""
    name = name or next((k for k, v in session.NAMED.items() if v == config.name), config.name)
    return f"{name}, expanded SE" if spec.has_se and config.se_reduce_from == "expanded" else name


# --- the two maps ----------------------------------------------------------------------------


def opened() -> int:
    """The MBConv stage whose blocks both maps show."""
    stage = session.get(OPENED)
    return stage if isinstance(stage, int) and 2 <= stage <= 8 else 4


def open_stage(node: str) -> None:
    """A callback: open a stage (`stage-5`, or a block of it) in both maps."""
    stage = node.removeprefix("stage-").split(".")[0]
    session.put(OPENED, int(stage))


def tints(pairs: Sequence[Pair], blocks: Sequence[Pair]) -> dict[str, float]:
    """Node -> how strongly it is coloured: not at all where nothing differs, more for more parameters."""
    found: dict[str, float] = {}
    for pair, node in [(p, f"stage-{p.place}") for p in pairs] + [(p, p.place) for p in blocks]:
        if pair.a is None or pair.b is None:
            found[node] = 0.6
        elif pair.differing:
            times = max(pair.b.params / pair.a.params, pair.a.params / pair.b.params)
            found[node] = min(0.55, 0.14 + 0.12 * math.log2(times))
    first = pairs[0]
    if first.a and first.b and first.a.in_size != first.b.in_size:
        found["input"] = 0.14
    return found


def map_of(side: str, spec: Spec, coloured: Mapping[str, float]) -> None:
    """One of the two maps; a click opens the stage in both."""
    stage = opened()
    diagram(
        network_dot(spec, [stage]),
        key=f"map_{side}",
        label=f"{side.upper()}: {title(spec)}",
        clickable=[f"stage-{n}" for n in range(2, 9) if n != stage],
        tints=coloured,
        least_scale=0.62,
        hint="Click a stage to open it in both. Coloured: it differs; the stronger, the more.",
        on_pick=open_stage,
    )


# --- tables ----------------------------------------------------------------------------------


def _cell(name: str, value: Any) -> str:
    if name in ("in_size", "out_size"):
        return f"{value}²"
    if name == "receptive_field":
        return f"{value} px"
    if name == "activation_bytes":
        return bytes_short(value)
    if name in ("params", "macs"):
        return short(value)
    return str(value)


def difference_row(pair: Pair, first: str) -> dict[str, str]:
    """A row of the table: one value where both agree, `▸ A → B` where they differ."""
    row = {first: pair.place}
    for name in FIELDS:
        if name == "repeats" and first == "Block":
            continue
        texts = [_side(name, part) for part in (pair.a, pair.b)]
        if name not in pair.differing:
            row[HEADINGS[name]] = texts[0]
            continue
        if texts[0] == texts[1]:  # alike in three digits, not in all
            texts = [exact(getattr(part, name)) for part in (pair.a, pair.b) if part]
        row[HEADINGS[name]] = f"{MARK}{texts[0]} → {texts[1]}"
    return row


def _side(name: str, part: Part | None) -> str:
    return "–" if part is None else _cell(name, getattr(part, name))


def total_row(total: Total, a: str, b: str) -> dict[str, str]:
    """A row of the whole-network table."""
    texts = [_total(total, value) for value in (total.a, total.b)]
    ratio = f"×{total.ratio:.3g}" if total.a else "–"
    if total.a == total.b:
        ratio = "equal"
    elif 0.99 < total.ratio < 1.01:
        ratio = f"{100 * (total.ratio - 1):+.2f} %"
    return {"": total.name, f"A: {a}": texts[0], f"B: {b}": texts[1], "B over A": ratio}


def _total(total: Total, value: float) -> str:
    if total.unit == "bytes":
        return bytes_short(value)
    if total.unit == "px":
        return f"{value:g} px"
    return exact(value) if isinstance(value, int) else number(value)


def tint_differing(cell: object) -> str:
    """CSS for a table cell; the mark in the text says the same without colour."""
    marked = isinstance(cell, str) and cell.startswith(MARK)
    return "background-color: rgba(217, 138, 0, 0.2)" if marked else ""
