"""The five parts under the slider of the Scaling page."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import streamlit as st

from app import session
from app.address import not_choices, tell
from app.family import family
from app.scaled import Constants, markdown_table
from app.tables import show_table
from effnet.architecture.axes import alone, printed_networks
from effnet.architecture.growth import (
    AXES,
    SCALED,
    Range,
    fit,
    growth,
    implied_phi,
    law_growth,
    verdict,
)
from effnet.architecture.published import source
from effnet.architecture.rounding import (
    FLOOR,
    RULES,
    StageRounding,
    depth_in_blocks,
    scaled_stages,
    stage_rounding,
)
from effnet.architecture.scaling import cost_factor
from effnet.architecture.variants import VARIANTS, spec_for
from effnet.drawing import scaling_charts as charts
from effnet.drawing.numbers import short

NAMES = tuple(name.upper() for name in SCALED)
EXAMPLES = {
    "B1: how many more blocks?": ("B1", 4),
    f"B3, stage 2: the {100 * FLOOR:.0f} % rule": ("B3", 2),
    "B2, stage 3: a width that stays": ("B2", 3),
}
"""Button of the rounding part -> network and stage."""
PLACES = {"its number": "number", "its cost": "cost"}


def curves(now: Constants) -> None:
    """The law's three curves with the released networks beside them."""
    st.markdown(
        "“φ = k gives Bk” is the most repeated sentence about EfficientNet. Were it true, every "
        "point would lie on its curve. The official code does not use φ at all: it holds a list of "
        "(width, depth, resolution, dropout), one line for each network."
    )
    picked = st.segmented_control(
        "Draw each network at", list(PLACES), default="its number", key="at_phi", required=True,
        help="Its number: Bk at φ = k. Its cost: at the φ where the law costs as many MACs.",
    )  # fmt: skip
    place = PLACES.get(picked or "", "number")
    for axis, column in zip(AXES, st.columns(3, gap="medium"), strict=True):
        with column:
            figure = charts.law_curve(axis, place, **now._asdict())  # type: ignore[arg-type]
            st.plotly_chart(figure, key=f"law_{axis}", alt=f"{axis} against phi")
    if place == "number":
        st.caption("L2 has no number, so it is only drawn by its cost.")
    st.subheader("What growing really costs")
    st.plotly_chart(charts.cost_growth(**now._asdict()), key="cost", alt="MACs against phi")
    b7, one = growth(spec_for("b7")), law_growth(1, 1, 1, *now)[0][1]
    st.markdown(
        f"Repeats are only ever rounded up, so a small step costs more than the power says: φ = 1 "
        f"costs {one:.2f} times B0, not {cost_factor(*now):.2f} times. B7 needs **{b7.ratio:.1f} "
        f"times** the MACs of B0, which is {b7.doublings:.2f} doublings. The bar through a released "
        "network spans the φ that its depth, width and resolution imply."
    )


def implied(now: Constants) -> None:
    """The phi that each multiplier of a released network implies."""
    st.markdown(
        "Read the law backwards: which φ would give B4's depth? Which its width, its resolution? "
        f"If φ made the network, the three would agree. {verdict(*now)}"
    )
    rows = []
    for name in SCALED:
        phi = implied_phi(VARIANTS[name], **now._asdict())
        g = growth(spec_for(name), **now._asdict())
        rows.append(
            {
                "Network": name.upper(), "Depth": f"×{phi.depth:g}", "φ from depth": _digits(phi.phi_depth),
                "Width": f"×{phi.width:g}", "φ from width": _digits(phi.phi_width),
                "Resolution": f"{phi.resolution} px",
                "φ from resolution": _digits(phi.phi_resolution), "Spread": f"{phi.spread:.2f}",
                "log₂ of MACs over B0's": f"{g.doublings:.3f}",
            }
        )  # fmt: skip
    show_table(rows, "implied-phi", "The phi that each multiplier implies")
    st.caption(
        "φ from depth is log(depth) / log α, and so on. “any”: with a constant of 1 the axis never "
        "moves, so no φ can be read from it."
    )
    st.subheader("Does rounding save the law?")
    st.markdown(
        "Many φ round to the same channels or repeats, so each axis leaves a range. A φ makes the "
        "network only if it lies in all three."
    )
    ranges = [fit(name, **now._asdict()) for name in SCALED]
    rows = [
        {
            "Network": f.name.upper(), "same repeats": _span(f.depth),
            "same channels": _span(f.width), "same pixels": _span(f.resolution),
            "in all three": _span(f.common),
        }
        for f in ranges
    ]  # fmt: skip
    show_table(rows, "phi-after-rounding", "Ranges of phi after rounding")


def _digits(phi: float | None) -> str:
    return "any" if phi is None else f"{phi:.3f}"


def _span(found: Range | None) -> str:
    if found is None:
        return "none"
    low, high = (("any" if abs(end) > 60 else f"{end + 0:.2f}") for end in found)
    return "any" if low == high == "any" else f"{low} to {high}".replace("-0.00", "0.00")


def _example(name: str, stage: int) -> None:
    session.put("round_net", name)
    session.put("round_stage", stage)


@st.fragment
def rounding(now: Constants) -> None:
    """The rounding rules of one stage, step by step."""
    with st.container(horizontal=True, gap="small"):
        for label, example in EXAMPLES.items():
            st.button(label, on_click=_example, args=example)
    tell(*not_choices({"round_net": NAMES}))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("Network", NAMES, 1, key="round_net", bind="query-params", width=140)
        stage = st.selectbox("Stage", range(1, 10), 3, key="round_stage", width=120)
    spec = spec_for((name or NAMES[1]).lower())
    steps: StageRounding = stage_rounding(spec, stage or 4)
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(markdown_table(scaled_stages(spec)))
    with right:
        st.subheader(
            f"Repeats of stage {steps.stage}: {steps.repeats.result if steps.repeats else 1}"
        )
        said = (
            steps.repeats.steps if steps.repeats else ("The stem and the head are not repeated.",)
        )
        st.markdown("\n".join(f"{i}. {s}" for i, s in enumerate(said, start=1)))
        st.subheader(f"Channels of stage {steps.stage}: {steps.channels.result}")
        st.markdown("\n".join(f"{i}. {s}" for i, s in enumerate(steps.channels.steps, start=1)))
    st.info(depth_in_blocks(spec), icon=":material/stacks:")
    st.caption(f"{RULES} The official code rounds so.")


@st.fragment
def one_axis(now: Constants) -> None:
    """One axis alone against all three, at nearly equal MACs."""
    name = st.selectbox("Scale B0 to the cost of", NAMES[1:8], 2, key="alone", width=220, bind="query-params")  # fmt: skip
    whole = spec_for((name or "B3").lower())
    found = [alone(axis, whole.macs) for axis in AXES]
    rows = [
        {
            "Scaled": f"{one.axis} ×{one.factor:.4g}", "MBConv blocks": len(one.spec.blocks),
            "Last stage": f"{one.spec.stages[-1].out_channels} channels",
            "Input": f"{one.spec.resolution} px", "Parameters": one.spec.params,
            "MACs": one.spec.macs, "of the MACs": f"{100 * one.ratio:.1f} %",
        }
        for one in found
    ]  # fmt: skip
    rows.append(
        {
            "Scaled": f"all three: {name}", "MBConv blocks": len(whole.blocks),
            "Last stage": f"{whole.stages[-1].out_channels} channels",
            "Input": f"{whole.resolution} px", "Parameters": whole.params, "MACs": whole.macs,
            "of the MACs": "100 %",
        }
    )  # fmt: skip
    show_table(rows, f"one-axis-{name}", "One axis alone against compound scaling")
    st.caption(
        "MACs move in steps: whole blocks, channels in eights, whole pixels. These are the nearest "
        "networks that exist."
    )
    for one in found:
        if not one.reached:
            st.caption(f":material/block: {one.said} The row shows the largest.")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("What each axis costs")
        st.plotly_chart(charts.axis_costs(found, name or "B3"), key="axes", alt="MACs by axis")
        st.markdown(
            "Twice the depth costs about twice the MACs. Twice the width costs about four times: "
            "each filter has twice the inputs, and there are twice as many. Twice the resolution "
            "costs four times, for four times the pixels, and adds no parameter."
        )
    with right:
        st.subheader("What each axis brings")
        tried = printed_networks()[1:]
        st.plotly_chart(charts.paper_one_axis(), key="table7", alt="Accuracy by axis")
        st.markdown(
            "Accuracy cannot be counted: the paper trained one network for each axis and printed "
            f"these. Source: {source('paper_v5_table7').where}.  \n"
            f"It prints {_listed(row.flops for row, _ in tried)} FLOPs for these four. Rebuilt by "
            f"the official rounding rules they count {_listed(short(s.macs) for _, s in tried)} "
            "MACs: by this count the three single axes had less to spend."
        )


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


PARTS: dict[str, Callable[[Constants], None]] = {
    "Curves": curves,
    "Implied phi": implied,
    "Rounding": rounding,
    "One axis alone": one_axis,
    "The family": family,
}
