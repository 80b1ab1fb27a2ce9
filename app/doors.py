"""Seven questions that people ask about EfficientNet, as doors to the place that answers each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import streamlit as st

from app import session

_scroll = st.components.v2.component(
    "effnet_scroll",
    js="""
export default function ({ data }) {
  const go = () => document.getElementById(data.anchor)?.scrollIntoView({ behavior: 'smooth', block: 'start' });
  setTimeout(go, 250);
}
""",
)


@dataclass(frozen=True)
class Door:
    """A question and where its answer is.

    Attributes:
        sets: widget keys and the values that they get, or what another page's address asks for.
        page: another page, or empty for this one.
        anchor: where on the first page.
    """

    question: str
    sets: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    anchor: str = ""


ICON = ":material/arrow_forward:"

DOORS = (
    Door("What is the whole architecture?", {"net": "B0", "table": "Stages"}, anchor="network"),
    Door(
        "What exactly happens inside MBConv6 k3x3 with SE ratio 0.25?",
        {"net": "B0", "block": "3.2"},
        anchor="block",
    ),
    Door(
        "What are the shapes, layer by layer?",
        {"net": "B0", "table": "Layers of the network"},
        anchor="tables",
    ),
    Door("Where is the block diagram?", anchor="block"),
    Door("Why have SE at all?", page="views/why.py"),
    Door(
        "What is the Keras code of an SE block, with comments?",
        {"show": "keras-se", "part": "SE block"},
        page="views/code.py",
    ),
    Door(
        "What is the code of an MBConv6 block?",
        {"show": "pytorch-mbconv", "lib": "PyTorch"},
        page="views/code.py",
    ),
)


def _open(door: Door) -> None:
    for key, value in door.sets.items():
        session.put(key, value)
    session.put("scroll_to", door.anchor)


def show_doors() -> None:
    """The questions; choosing one sets the app and opens the place."""
    with st.container(border=True, gap="xsmall"):
        st.markdown("**Start with a question**")
        with st.container(horizontal=True, gap="small"):
            for i, door in enumerate(DOORS):
                if door.page:
                    # The values go into the link's address; the network on screen stays.
                    st.page_link(
                        door.page, label=door.question, query_params=dict(door.sets), icon=ICON,
                        width="content",
                    )  # fmt: skip
                else:
                    st.button(
                        door.question, key=f"door_{i}", on_click=_open, args=(door,), icon=ICON,
                        type="tertiary", wrap=True,
                    )  # fmt: skip


def scroll_if_asked() -> None:
    """Bring the door's place into view, once."""
    if anchor := session.get("scroll_to"):
        _scroll(key="scroll", data={"anchor": anchor})
        session.put("scroll_to", "")
