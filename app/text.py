"""Sentences shown to people, and the one way to show text that came from a stranger."""

from __future__ import annotations

import string
import unicodedata

import streamlit as st

from effnet.limits import LIMITS

_PUNCTUATION = frozenset(string.punctuation)

UNTRAINED = (
    "These weights are **untrained**: a fresh random initialisation. Gates, predictions and heat "
    "maps show how the network is wired, not anything it has learnt."
)
BUSY = "Other people are computing here right now. Wait a moment and try again."
NO_PICTURE = "Choose a picture first: a sample, an upload, the clipboard or the camera."


def plain(text: object, limit: int = LIMITS.label_chars) -> str:
    """Text from outside (a file's name, a class name) made harmless: one line, bounded, printable.

    Show it with `st.text` or `st.code`, never as Markdown.
    """
    flat = "".join(
        c if c.isprintable() and unicodedata.category(c) != "Cf" else " " for c in str(text)
    )
    flat = " ".join(flat.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def escaped(text: object, limit: int = 2000) -> str:
    """Text from outside for a place that reads Markdown: every mark of punctuation stands for itself."""
    return "".join(f"\\{c}" if c in _PUNCTUATION else c for c in plain(text, limit))


def refuse(error: Exception) -> None:
    """One sentence in place of what could not be shown."""
    with st.container(border=True, horizontal=True, gap="small"):
        st.markdown(":red[:material/error:]", width="content")
        st.text(plain(error, 600))
