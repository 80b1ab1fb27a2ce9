"""EfficientNet Explorer: the list of pages."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # `streamlit run app/main.py` puts only app/ there
    sys.path.insert(0, ROOT)

from app import computing, session  # noqa: E402
from app.text import refuse  # noqa: E402
from app.travel import scroll_if_asked  # noqa: E402
from app.widgets import pick_network  # noqa: E402
from effnet.errors import EffnetError  # noqa: E402

st.set_page_config(page_title="EfficientNet Explorer", page_icon="🔬", layout="wide")
computing.torch_ready()  # starts loading PyTorch in the background

# The folder is not called pages/: Streamlit would then serve its files by themselves, past this one.
PAGES = {
    "": [
        st.Page("views/architecture.py", title="Architecture", icon=":material/account_tree:", default=True),
        st.Page("views/scaling.py", title="Scaling", icon=":material/trending_up:"),
        st.Page("views/compare.py", title="Compare", icon=":material/compare_arrows:"),
        st.Page("views/code.py", title="Code", icon=":material/code:"),
        st.Page("views/gradcam.py", title="Grad-CAM", icon=":material/center_focus_strong:"),
    ],
    "Squeeze-and-excitation": [
        st.Page("views/gates.py", title="SE gates", icon=":material/tune:"),
        st.Page("views/why.py", title="Why SE?", icon=":material/help:"),
        st.Page("views/inside.py", title="Inside one gate", icon=":material/zoom_in:"),
        st.Page("views/pair.py", title="Compare gates", icon=":material/compare:"),
        st.Page("views/edit.py", title="Edit the gates", icon=":material/edit:"),
    ],
    "Learn": [
        st.Page("views/claims.py", title="What tutorials get wrong", icon=":material/fact_check:"),
    ],
}  # fmt: skip
WITHOUT_PICKER = ("scaling", "compare", "claims")  # they have pickers of their own, or need none

page = st.navigation(PAGES, position="top")
session.put("page", page.url_path)
try:
    if page.url_path not in WITHOUT_PICKER:
        pick_network()
    page.run()
    scroll_if_asked()
except EffnetError as error:  # whatever a page did not expect is still one sentence
    refuse(error)
