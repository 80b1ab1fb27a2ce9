"""EfficientNet Explorer: the list of pages, and what stands on top of each of them."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # `streamlit run app/main.py` puts only app/ there
    sys.path.insert(0, ROOT)

from app import session  # noqa: E402

st.set_page_config(page_title="EfficientNet Explorer", page_icon="🔬", layout="wide")
session.torch_ready()  # starts the warm-up

page = st.navigation(
    [
        st.Page(
            "pages/architecture.py",
            title="Architecture",
            icon=":material/account_tree:",
            default=True,
        ),
    ],
    position="top",
)
page.run()
