"""The slider of phi with all that follows from it: figures, map and table.

It is one component, so that a step of a drag is one message. A drag reports `value` at most eight
times a second; letting go (or a key) reports `released` once, so that the address of the page takes
one entry of the browser's history, not one for every step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from app import session

_HERE = Path(__file__).parent
_HTML = """
<div class="row"><label></label>
  <div class="track"><input type="range"><div class="marks"></div></div>
  <output></output></div>
<dl class="figures"></dl>
<div class="frame"><div class="stage"></div><div class="bar"><span class="hint"></span></div></div>
<div class="scroll"><table></table></div>
<div class="below"></div>
"""

_component = st.components.v2.component(
    "effnet_phi_board",
    html=_HTML,
    css=(_HERE / "diagram.css").read_text() + (_HERE / "board.css").read_text(),
    js=(_HERE / "board.js").read_text(),
)

Cell = tuple[str, str]
"""What was asked for (or nothing), and what there is."""


def phi_board(
    ends: tuple[float, float], step: float, value: float, *, key: str, svg: str,
    figures: Sequence[tuple[str, str, str]], table: Sequence[Sequence[Cell]], below: str,
    on_drag: Callable[[float], None], on_release: Callable[[float], None],
) -> None:  # fmt: skip
    """Draw it at `value`; the callbacks run before the rerun that a movement causes.

    A value beyond the ends is written out, with the knob at the end.

    Args:
        svg: made by `effnet.drawing.live_map`. figures: label, value, note. table: rows of cells. below: the
            words under the table.
    """
    low, high = ends

    data = {
        "label": "φ", "name": "phi", "min": low, "max": high, "step": step, "value": value,
        "throttle": 120, "svg": svg, "map_label": f"The network at phi = {value:g}",
        "hint": "Shapes are channels × height × width; 28² means 28 × 28.",
        "figures": figures, "table": table, "below": below,
    }  # fmt: skip
    _component(
        key=key, data=data, on_value_change=session.on_number(key, "value", low, high, on_drag),
        on_released_change=session.on_number(key, "released", low, high, on_release),
    )  # fmt: skip
