"""Which weights a network runs with on the pages that run one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from app import session
from app.text import UNTRAINED
from effnet.architecture.spec import Config
from effnet.weights.catalog import entries_for, entry_for
from effnet.weights.info import Preprocessing, WeightsInfo


@dataclass(frozen=True)
class Choice:
    """Weights for the network on screen.

    Attributes:
        name: a catalogue name or `untrained`.
        config: the network as these weights want it (padding, BN epsilon, classes).
        info: what is known about them.
    """

    name: str
    config: Config
    info: WeightsInfo


def options(chosen: session.Selection) -> tuple[str, ...]:
    """Catalogue names that fit the network on screen, the default first; always `untrained`."""
    library = session.NAMED.get(chosen.network)
    official = chosen.spec.config.se_reduce_from == "input"
    names = tuple(e.name for e in entries_for(library)) if library and official else ()
    return (*names, session.UNTRAINED)


def choice_of(name: str, chosen: session.Selection) -> Choice:
    """The weights called `name` for the network on screen."""
    if name == session.UNTRAINED:
        config = chosen.spec.config
        info = WeightsInfo(
            name=name, title="Untrained (fresh initialisation)", config=config, trained=False,
            preprocessing=Preprocessing(size=config.resolution),
        )  # fmt: skip
        return Choice(name, config, info)
    info = entry_for(name).info
    if session.get("px"):  # a size asked for by hand wins over the weights' own
        size = chosen.spec.resolution
        info = replace(info, preprocessing=replace(info.preprocessing, size=size))
        info = replace(info, config=replace(info.config, resolution=size))
    return Choice(name, info.config, info)


def pick_weights(chosen: session.Selection) -> Choice:
    """The menu of weights, and where the chosen ones come from."""
    names = options(chosen)
    if session.get("weights") not in names:
        session.put("weights", names[0])
    chosen.row.selectbox(
        "Weights", names, key="weights", bind="query-params", width=300,
        help="Where the numbers come from. Untrained networks show the wiring only.",
    )  # fmt: skip
    picked = session.get("weights")
    choice = choice_of(picked if picked in names else names[0], chosen)
    if not choice.info.trained:
        st.warning(UNTRAINED, icon=":material/science:")
    return choice
