"""The state of the Scaling page: phi, the three constants, and the last network that worked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from app import session
from app.address import not_numbers, tell
from app.text import refuse
from app.travel import go
from app.widgets import PHI_RANGE
from effnet.architecture.growth import SCALED, growth
from effnet.architecture.rounding import ScaledStage, number
from effnet.architecture.scaling import (
    ALPHA,
    BASE_RESOLUTION,
    BETA,
    GAMMA,
    check_constants,
    cost_factor,
    law,
)
from effnet.architecture.variants import spec_for
from effnet.drawing.live_map import Frame, frame
from effnet.drawing.numbers import exact, short
from effnet.errors import SpecError

PHI = "sphi"
CONSTANTS = {"salpha": ALPHA, "sbeta": BETA, "sgamma": GAMMA}
ENDS, STEP, START = (-4.0, 8.0), 0.05, 1.0
_NOW, _SEEN, _GOOD, _GOOD_CONSTANTS = "scaling_now", "scaling_seen", "scaling_good", "scaling_abc"


class Constants(NamedTuple):
    """alpha, beta, gamma."""

    alpha: float = ALPHA
    beta: float = BETA
    gamma: float = GAMMA


def tell_bad_address() -> None:
    """Say which numbers of the address are none; before the widgets are drawn."""
    tell(*not_numbers((PHI, *CONSTANTS)))


def reset_constants() -> None:
    """A callback: back to the paper's."""
    for key, value in CONSTANTS.items():
        session.put(key, value)


def constants() -> Constants:
    """The constants that were typed, or the last ones that the law allows; says so when it must."""
    typed = Constants(*(float(session.get(key) or 0) for key in CONSTANTS))
    try:
        check_constants(*typed)
    except SpecError as error:
        refuse(error)
        kept: Constants = session.get(_GOOD_CONSTANTS) or Constants()
        st.caption(f"Shown with the last constants that work: {', '.join(map(number, kept))}.")
        return kept
    session.put(_GOOD_CONSTANTS, typed)
    return typed


def cost_words(now: Constants) -> str:
    """What alpha * beta^2 * gamma^2 means."""
    factor = cost_factor(*now)
    said = (
        f"α · β² · γ² = {now.alpha:g} · {now.beta:g}² · {now.gamma:g}² = **{factor:.5g}**. "
        f"One step of φ multiplies the MACs by about {factor:.3g}: depth counts once, width and "
        "resolution count twice. "
    )
    if abs(factor - 2) < 0.1:
        return said + "The paper asks for about 2, so φ says how often the cost doubles."
    return said + "The paper asks for about 2; with these constants φ is not a number of doublings."


def phi_asked() -> float:
    """phi as the slider stands, or as it was typed or came with the address, whichever is newer."""
    typed = session.get(PHI)
    value = float(typed) if isinstance(typed, (int, float)) else START
    if value != session.get(_SEEN):
        session.put(_SEEN, value)
        session.put(_NOW, value)
    return float(session.get(_NOW))


def drag(value: float) -> None:
    """A callback: the slider is on its way."""
    session.put(_NOW, value)


def release(value: float) -> None:
    """A callback: the slider was let go; now the address follows."""
    session.put(_NOW, value)
    session.put(PHI, value)


def shown(phi: float, now: Constants) -> tuple[Frame, float, Constants]:
    """The network at `phi`, or the last one that worked; says so when it must."""
    try:
        found = (frame(phi, *now), phi, now)
    except SpecError as error:
        refuse(error)
        kept = _last()
        constants_used = ", ".join(map(number, kept[2]))
        st.caption(
            f"Shown: the last network that works, φ = {number(kept[1])} with α, β, γ = {constants_used}."
        )
        return kept
    session.put(_GOOD, found)
    return found


def figures(found: Frame, phi: float, now: Constants) -> list[tuple[str, str, str]]:
    """Label, value and note of what phi = `phi` gives."""
    spec, at = found.spec, law(phi, **now._asdict())
    base = spec_for("b0")
    return [
        ("Depth", f"×{at.depth:.3g}", f"{now.alpha:g} to the power {phi:g}"),
        ("Width", f"×{at.width:.3g}", f"{now.beta:g} to the power {phi:g}"),
        (
            "Input",
            f"{spec.resolution} px",
            f"{BASE_RESOLUTION} · {now.gamma:g} to the power {phi:g}",
        ),
        ("MBConv blocks", str(len(spec.blocks)), f"B0 has {len(base.blocks)}"),
        ("Parameters", short(spec.params), exact(spec.params)),
        ("MACs", short(spec.macs), f"{spec.macs / base.macs:.3g} times B0's"),
    ]


def table(stages: Sequence[ScaledStage]) -> list[list[tuple[str, str]]]:
    """The nine stages side by side: what the multipliers ask for, and what the network has."""

    def cell(asked: float, real: int) -> tuple[str, str]:
        return (number(round(asked, 1)) if round(asked, 1) != real else "", str(real))

    return [
        [("", "Stage"), *(("", str(s.stage)) for s in stages)],
        [("", "Repeats"), *(cell(s.exact_repeats, s.repeats) for s in stages)],
        [("", "Channels"), *(cell(s.exact_channels, s.channels) for s in stages)],
        [("", "Map that leaves"), *(("", f"{s.out_size}²") for s in stages)],
    ]


def markdown_table(stages: Sequence[ScaledStage]) -> str:
    """The same as Markdown, a row a stage."""
    columns = table(stages)
    lines = [" | ".join(["", *(row[0][1] for row in columns), ""]), "|--:|--:|--:|--:|"]
    for i in range(1, len(columns[0])):
        cells = (f"{asked} → **{real}**" if asked else f"**{real}**" for asked, real in
                 (row[i] for row in columns))  # fmt: skip
        lines.append(" | ".join(["", *cells, ""]))
    return "\n".join(line.strip() for line in lines)


def nearest_released(found: Frame) -> str:
    """The released network whose MACs come nearest, as the menus call it, e.g. `B2`."""
    here = growth(found.spec).doublings
    return min(SCALED, key=lambda n: abs(growth(spec_for(n)).doublings - here)).upper()


def open_network() -> None:
    """A callback: this network on the Architecture page."""
    _, phi, now = _last()
    low, high = PHI_RANGE
    if not low <= phi <= high:
        st.toast(f"The other pages take φ from {low:g} to {high:g}.", icon=":material/block:")
        return
    go("architecture", {"net": session.BY_PHI, "phi": phi, **now._asdict()})


def open_beside() -> None:
    """A callback: this network beside the released one that costs about as much."""
    found, phi, now = _last()
    wanted = {f"a_{name}": value for name, value in now._asdict().items()}
    changed = {} if now == Constants() else wanted
    go("compare", {"a": session.BY_PHI, "a_phi": phi, **changed, "b": nearest_released(found)})


def _last() -> tuple[Frame, float, Constants]:
    kept: tuple[Frame, float, Constants] | None = session.get(_GOOD)
    return kept or (frame(START), START, Constants())
