"""Python source with line numbers, a copy button and marked lines."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "effnet_code",
    html="""
<div class="box">
  <div class="top"><span class="name"></span><button type="button" class="copy">Copy</button></div>
  <div class="code" tabindex="0" role="region"></div>
</div>
""",
    css=(_HERE / "code.css").read_text(),
    js=(_HERE / "code.js").read_text(),
)


def code_view(
    text: str,
    *,
    key: str,
    label: str,
    name: str = "",
    marked: Iterable[tuple[int, int]] = (),
    height: int = 900,
) -> None:
    """Show generated Python source.

    Args:
        name: of the file, shown above it. marked: 1-based inclusive ranges of lines to bring out. height: px, after which it scrolls.
    """
    html = highlight(text, PythonLexer(), HtmlFormatter(nowrap=True))
    lines = html.split("\n")
    data = {
        "id": hashlib.sha256(text.encode()).hexdigest()[:16],
        "text": text,
        "lines": lines[:-1] if lines and not lines[-1] else lines,
        "marked": [n for first, last in marked for n in range(first, last + 1)],
        "label": label,
        "name": name,
        "height": height,
    }
    _component(key=key, data=data)
