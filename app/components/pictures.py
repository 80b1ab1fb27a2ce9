"""Thumbnails to choose from, and a place to paste a picture into."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypedDict

import streamlit as st

from app import session
from effnet.limits import LIMITS

_HERE = Path(__file__).parent
_PREFIX = "data:image/jpeg;base64,"

_gallery = st.components.v2.component(
    "effnet_gallery",
    html='<div class="gallery" role="group"></div>\n<!-- thumbnails -->\n',
    css=(_HERE / "gallery.css").read_text(),
    js=(_HERE / "gallery.js").read_text(),
)
_paste = st.components.v2.component(
    "effnet_paste",
    html='<button type="button" class="zone"></button>\n<!-- clipboard -->\n',
    css="""
    .zone { width: 100%; border: 1.5px dashed var(--st-border-color); border-radius: var(--st-base-radius);
      padding: 14px; background: none; color: var(--st-text-color); font: 400 15px var(--st-font); cursor: pointer; }
    .zone:focus-visible { outline: 2px solid var(--st-primary-color); }
    .zone.bad { border-color: var(--st-red-color); }
    """,
    js=(_HERE / "paste.js").read_text(),
)


class Thumb(TypedDict):
    """src: a data URL of a PNG or JPEG that the server made."""

    id: str
    src: str
    label: str
    removable: bool


def gallery(
    items: Sequence[Thumb],
    selected: Sequence[str],
    *,
    key: str,
    label: str,
    on_pick: Callable[[str], None],
    on_remove: Callable[[str], None],
) -> None:
    """Show thumbnails; only ids that stand in `items` are reported."""
    ids = {item["id"] for item in items}
    removable = {item["id"] for item in items if item["removable"]}

    def picked() -> None:
        if (name := session.component_value(key, "picked")) in ids:
            on_pick(name)

    def removed() -> None:
        if (name := session.component_value(key, "removed")) in removable:
            on_remove(name)

    data = {"items": list(items), "selected": list(selected), "label": label}
    _gallery(key=key, data=data, on_picked_change=picked, on_removed_change=removed)


def paste_zone(*, key: str, on_paste: Callable[[bytes], None]) -> None:
    """A zone that takes a picture from the clipboard; `on_paste` gets the bytes of a JPEG."""

    def pasted() -> None:
        url = session.component_value(key, "pasted")
        if not isinstance(url, str) or not url.startswith(_PREFIX):
            return
        if len(url) > LIMITS.image_bytes * 4 // 3 + 100:
            return
        try:
            on_paste(base64.b64decode(url[len(_PREFIX) :], validate=True))
        except binascii.Error:
            return

    data = {"max_side": 1600, "label": "Paste a picture: click here or press Ctrl+V / ⌘V"}
    _paste(key=key, data=data, on_pasted_change=pasted)
