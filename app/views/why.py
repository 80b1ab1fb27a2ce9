"""Why have SE at all? What was measured, and nothing more."""

from __future__ import annotations

import streamlit as st

st.title("Why squeeze-and-excitation?")
