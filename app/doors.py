"""Seven questions that people ask about EfficientNet, as doors to the place that answers each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app import session
from app.travel import TOP, go, scroll_to
from effnet.architecture.spec import Spec

ICON = ":material/arrow_forward:"


@dataclass(frozen=True)
class Door:
    """A question and where its answer is.

    Attributes:
        sets: widget keys and the values that they get.
        page: another page, or empty for this one.
        anchor: the place on the page that is brought into view.
        shows: what the network and block on screen must have for the answer, `SE` or `MBConv6`;
            where they have it not, B0 and its block 4.2 take their place.
    """

    question: str
    sets: Mapping[str, str | int] = field(default_factory=dict)
    page: str = ""
    anchor: str = TOP
    shows: str = ""


OFFICIAL_B0: dict[str, str | int] = {"net": "B0", "se": session.SE_RULES[0], "px": 0}

DOORS = (
    Door("What is the whole architecture?", OFFICIAL_B0 | {"table": "Stages"}, anchor="network"),
    Door(
        "What exactly happens inside MBConv6 k3x3 with SE ratio 0.25?",
        OFFICIAL_B0 | {"block": "3.2"},
        anchor="block",
    ),
    Door(
        "What are the shapes, layer by layer?",
        OFFICIAL_B0 | {"table": "Layers of the network"},
        anchor="tables",
    ),
    Door("Where is the block diagram?", anchor="block"),
    Door("Why have SE at all?", page="why"),
    Door(
        "What is the Keras code of an SE block, with comments?",
        {"lib": "Keras", "part": "SE block"},
        page="code",
        anchor="source",
        shows="SE",
    ),
    Door(
        "What is the code of an MBConv6 block?",
        {"lib": "PyTorch", "part": "MBConv block"},
        page="code",
        anchor="source",
        shows="MBConv6",
    ),
)


def wanted(door: Door, spec: Spec, block: str) -> dict[str, Any]:
    """What the door sets, where `spec` and `block` are on screen."""
    sets: dict[str, Any] = dict(door.sets)
    if door.shows and not spec.has_se:
        sets |= OFFICIAL_B0
    if door.shows == "MBConv6" and spec.block(block).kind != "MBConv6":
        sets["block"] = session.DEFAULT_BLOCK
    return sets


def _open(door: Door) -> None:
    chosen = session.selected()
    sets = wanted(door, chosen.spec, chosen.block)
    if door.page:
        go(door.page, sets, door.anchor)
        return
    for key, value in sets.items():
        session.put(key, value)
    scroll_to(door.anchor)


def show_doors() -> None:
    """The questions; choosing one sets the app and opens the place."""
    with st.grid(4, min_column_width=220, gap="xsmall", vertical_alignment="center"):
        with st.container(gap=None):
            st.markdown("**Start with a question**")
            st.caption("Each opens the place that answers it.")
        for i, door in enumerate(DOORS):
            st.button(
                door.question, key=f"door_{i}", on_click=_open, args=(door,), icon=ICON,
                width="stretch", wrap=True,
            )  # fmt: skip
