"""Groups that a visitor makes of the pictures in hand, for the figure of gates by group."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import computing, session
from app.lab import gallery_pictures
from app.running import job_for
from app.weights import choice_of
from app.widgets import wait_for_torch
from effnet.inspection.profile import Profile, profile_of


def held_groups(place: Any) -> Profile | None:
    """Two groups chosen from the pictures of the gallery; None until both have a picture.

    The gates are those of the network on screen.
    """
    chosen = session.selected()
    if not chosen.spec.has_se:
        return None
    choice = choice_of(chosen.weights, chosen)
    pictures = {
        h.id: h for h in gallery_pictures("fashion" if choice.info.preprocessing.grey else "photo")
    }
    with place:
        st.markdown(
            "Or choose from the pictures that are held (add more on the page SE gates), for the network and "
            "weights chosen above."
        )
        sides = {}
        for column, name in zip(st.columns(2), ("A", "B"), strict=True):
            sides[name] = column.multiselect(
                f"Group {name}",
                list(pictures),
                format_func=lambda i: pictures[i].name,
                key=f"group_{name}",
            )
        if not all(sides.values()) or not wait_for_torch():
            return None
    runs = [
        (
            name,
            {
                block: g[0]
                for block, g in computing.run_trace(job_for(choice, pictures[i])).gates.items()
            },
        )
        for name, ids in sides.items()
        for i in ids
    ]
    return profile_of(choice.info, runs)
