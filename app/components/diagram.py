"""A Graphviz drawing in the page: click, keyboard, touch, zoom and pan; follows light and dark.

The server lays the drawing out (`effnet.drawing.layout`); where no engine is installed, Streamlit's
own renderer shows it in the browser, without clicks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from app import session
from effnet.drawing.layout import engine, render_svg

_HERE = Path(__file__).parent
_HTML = """
<div class="frame">
  <div class="stage"></div>
  <div class="bar"><span class="hint"></span><span class="buttons" role="toolbar" aria-label="Zoom">
    <button type="button" data-zoom="out" aria-label="Zoom out" title="Zoom out">&minus;</button>
    <button type="button" data-zoom="in" aria-label="Zoom in" title="Zoom in">+</button>
    <button type="button" data-zoom="fit" aria-label="Fit to width" title="Fit to width">&#8596;</button>
  </span></div>
</div>
"""

_component = st.components.v2.component(
    "effnet_diagram",
    html=_HTML,
    css=(_HERE / "diagram.css").read_text(),
    js=(_HERE / "diagram.js").read_text(),
)


def diagram(
    dot: str,
    *,
    key: str,
    label: str,
    tall: str | None = None,
    selected: Sequence[str] = (),
    clickable: Sequence[str] | None = None,
    tints: Mapping[str, float] | None = None,
    hint: str = "",
    reveal: str = "",
    together: str = "",
    least_scale: float = 0.8,
    on_pick: Callable[[str], None] | None = None,
) -> None:
    """Show a drawing; `on_pick(name)` is called before the rerun that a click causes.

    Args:
        dot: made by `effnet.drawing.diagram`, never from a visitor's text.
        tall: the same top to bottom, used where the frame is narrow.
        selected: names of the nodes to mark. clickable: names that can be picked; None for all.
        tints: node name -> 0..1, how strongly it is coloured.
        reveal: the node to scroll to where the frame is narrow; else the marked one.
        together: drawings with the same name are zoomed and scrolled as one.
        least_scale: the drawing is not made smaller than this; the frame scrolls instead.
    """
    if engine() is None:
        st.graphviz_chart(dot)
        st.caption("Install `graphviz-pure` to make this diagram clickable.")
        return

    def picked() -> None:
        name = session.component_value(key, "picked")
        # Any client can send anything: only names that stand in this drawing are passed on.
        if on_pick and isinstance(name, str) and (clickable is None or name in clickable):
            on_pick(name)

    data: dict[str, Any] = {
        "svg": render_svg(dot),
        "svg_tall": render_svg(tall) if tall else None,
        "selected": list(selected),
        "clickable": list(clickable) if clickable is not None else None,
        "tints": dict(tints) if tints else None,
        "label": label,
        "hint": hint,
        "reveal": reveal,
        "together": together,
        "least_scale": least_scale,
    }
    _component(key=key, data=data, on_picked_change=picked)
