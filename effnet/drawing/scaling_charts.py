"""plotly figures of the law, of the family and of one axis scaled alone.

The few colours written here are of middle lightness, so that they can be seen on a light and on a
dark page; text has none and takes the page's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import plotly.graph_objects as go

from effnet.architecture.axes import Alone, curve
from effnet.architecture.growth import SCALED, growth, implied_phi, law_growth
from effnet.architecture.published import Printed, count, one_axis, published
from effnet.architecture.scaling import ALPHA, BETA, GAMMA, cost_factor, law
from effnet.architecture.variants import VARIANTS, spec_for
from effnet.drawing.charts import layout
from effnet.drawing.numbers import short

LAW, POINT, OTHER, THIRD = "#1f9d92", "#d98a00", "#7a83e6", "#8a98a2"
FAMILY = SCALED[:8]
Place = Literal["number", "cost"]

TITLES = {
    "depth": "Depth multiplier",
    "width": "Width multiplier",
    "resolution": "Resolution, px",
}


def _with_legend(figure: go.Figure, height: int) -> go.Figure:
    figure = layout(figure, height)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    figure.update_layout(showlegend=True, legend=legend)
    return figure


def places(place: Place, alpha: float, beta: float, gamma: float) -> dict[str, float]:
    """At which phi each released network is drawn.

    `number`: Bk at phi = k, as is often claimed; L2 has no number. `cost`: where the law, before
    rounding, costs as much as the network does.
    """
    if place == "number":
        return {name: float(i) for i, name in enumerate(SCALED[:9])}
    found = {
        name: growth(spec_for(name), alpha=alpha, beta=beta, gamma=gamma).phi_by_cost
        for name in SCALED
    }
    return {name: phi for name, phi in found.items() if phi is not None and phi <= 15}


def law_curve(
    axis: str, place: Place = "number", *, alpha: float = ALPHA, beta: float = BETA,
    gamma: float = GAMMA,
) -> go.Figure:  # fmt: skip
    """What the law says for one axis, with the released networks as labelled points.

    Args:
        axis: depth, width or resolution. place: see `places`.

    Raises:
        SpecError: for constants out of range.
    """
    at = places(place, alpha, beta, gamma)
    end = max(8.0, *at.values()) if at else 8.0
    phis = [end * i / 80 for i in range(81)]
    rows = [law(phi, alpha=alpha, beta=beta, gamma=gamma) for phi in phis]
    figure = go.Figure()
    figure.add_scatter(
        x=phis, y=[getattr(row, axis) for row in rows], mode="lines", name="the law",
        line={"color": LAW, "width": 2.5},
        hovertemplate="phi %{x:.2f}: %{y:.3g}<extra>the law</extra>",
    )  # fmt: skip
    values = [getattr(VARIANTS[name], axis) for name in at]
    figure.add_scatter(
        x=list(at.values()), y=values, mode="markers+text", name="released",
        text=[name.upper() for name in at], textposition="bottom right", cliponaxis=False,
        marker={"color": POINT, "size": 9, "symbol": "diamond"},
        hovertemplate="%{text}: %{y:.4g}<extra>released</extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="phi", range=[-0.4, end + 0.9])
    figure.update_yaxes(title_text=TITLES[axis])
    return _with_legend(figure, 340)


def cost_growth(*, alpha: float = ALPHA, beta: float = BETA, gamma: float = GAMMA) -> go.Figure:
    """MACs over B0's: 2^phi, the law's own factor, its real networks, and the released ones.

    A released network has no phi of its own; it is drawn as a bar over the phis that its depth,
    width and resolution imply, from the smallest to the largest.

    Raises:
        SpecError: for constants out of range.
    """
    factor, ends = cost_factor(alpha, beta, gamma), (0.0, 8.5)
    figure = go.Figure()
    for name, base, dash in (
        ("2 to the phi", 2.0, "dot"),
        (f"{factor:.3g} to the phi", factor, "dash"),
    ):
        figure.add_scatter(
            x=list(ends), y=[base**phi for phi in ends], mode="lines", name=name,
            line={"color": THIRD if base == 2 else OTHER, "dash": dash, "width": 2}, hoverinfo="skip",
        )  # fmt: skip
    points = law_growth(*ends, 171, alpha, beta, gamma)
    figure.add_scatter(
        x=[phi for phi, _ in points], y=[ratio for _, ratio in points], mode="lines",
        name="networks of the law, rounded", line={"color": LAW, "width": 2.5, "shape": "hv"},
        hovertemplate="phi %{x:.2f}: %{y:.1f} times B0<extra>the law, rounded</extra>",
    )  # fmt: skip
    names = SCALED[:9]
    rows = [implied_phi(VARIANTS[n], alpha=alpha, beta=beta, gamma=gamma).values for n in names]
    kept = [(n, min(v), max(v)) for n, v in zip(names, rows, strict=True) if v]
    middle = [(low + high) / 2 for _, low, high in kept]
    figure.add_scatter(
        x=middle, y=[growth(spec_for(n)).ratio for n, _, _ in kept], mode="markers+text",
        name="released", text=[n.upper() for n, _, _ in kept], textposition="top left",
        marker={"color": POINT, "size": 9, "symbol": "diamond"}, cliponaxis=False,
        error_x={"type": "data", "symmetric": False, "color": POINT,
                 "array": [high - m for (_, _, high), m in zip(kept, middle, strict=True)],
                 "arrayminus": [m - low for (_, low, _), m in zip(kept, middle, strict=True)]},
        hovertemplate="%{text}: %{y:.1f} times B0<extra>released</extra>",
    )  # fmt: skip
    ticks = [2**i for i in range(10)]
    figure.update_yaxes(type="log", title_text="MACs over B0's", tickvals=ticks, ticktext=[f"{t}×" for t in ticks], range=[-0.15, 2.65])  # fmt: skip
    figure.update_xaxes(title_text="phi", range=[-0.4, 8.8])
    return _with_legend(figure, 440)


# --- the family ------------------------------------------------------------------------------

SERIES = (
    ("paper_v5", "paper, version 5", POINT, "diamond", "lines+markers+text"),
    ("paper_v1", "paper, version 1", OTHER, "circle", "lines+markers"),
    ("torchvision_v1", "torchvision, V1 weights", THIRD, "square", "markers"),
)


def _accuracy(name: str, key: str) -> float | None:
    row: Printed | None = getattr(published(name), key)
    return row.top1 if row else None


def family_accuracy(against: Literal["macs", "params"] = "macs") -> go.Figure:
    """Printed ImageNet top-1 of B0 to B7 against MACs or parameters counted here."""
    figure = go.Figure()
    counted = [getattr(spec_for(name), against) for name in FAMILY]
    for key, title, colour, symbol, mode in SERIES:
        figure.add_scatter(
            x=counted, y=[_accuracy(name, key) for name in FAMILY], mode=mode, name=title,
            text=[name.upper() for name in FAMILY], textposition="top left", cliponaxis=False,
            marker={"color": colour, "size": 9, "symbol": symbol},
            line={"color": colour, "width": 1.5},
            hovertemplate="%{text}: %{y} % top-1<extra>" + title + "</extra>",
        )  # fmt: skip
    plain = [published(name).recipes.get("base") for name in FAMILY]
    figure.add_scatter(
        x=counted, y=plain, mode="markers", name="official, plain preprocessing",
        text=[name.upper() for name in FAMILY],
        marker={"color": LAW, "size": 9, "symbol": "x"},
        hovertemplate="%{text}: %{y} % top-1<extra>official, plain preprocessing</extra>",
    )  # fmt: skip
    what = "MACs" if against == "macs" else "Parameters"
    figure.update_xaxes(type="log", title_text=f"{what}, counted here", **_powers(counted))
    figure.update_yaxes(title_text="ImageNet top-1", ticksuffix=" %", range=[75.5, 85.5])
    return _with_legend(figure, 420)


def _powers(values: Sequence[float]) -> dict[str, list[float] | list[str]]:
    """Ticks of a logarithmic axis written as `1 G`, not as `1B`."""
    ticks = [m * 10.0**e for e in range(5, 13) for m in (1, 2, 5)]
    ticks = [t for t in ticks if min(values) * 0.6 <= t <= max(values) * 1.6]
    return {"tickvals": ticks, "ticktext": [short(t).replace(".00", "").replace(".0", "") for t in ticks]}  # fmt: skip


def family_size(what: Literal["macs", "params"]) -> go.Figure:
    """Counted here beside printed in the paper (version 5), B0 to B7."""
    counted = [getattr(spec_for(name), what) for name in FAMILY]
    column = "flops" if what == "macs" else "params"
    rows = [published(name).paper_v5 for name in FAMILY]
    texts = [str(getattr(row, column)) for row in rows]
    names = [name.upper() for name in FAMILY]
    figure = go.Figure()
    figure.add_scatter(
        x=names, y=counted, mode="markers", name="counted here",
        marker={"color": LAW, "size": 13, "symbol": "circle-open", "line": {"width": 2.5}},
        customdata=[f"{value:,}" for value in counted],
        hovertemplate="%{x}: %{customdata}<extra>counted here</extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=names, y=[count(text) for text in texts], mode="markers", name="printed in the paper",
        marker={"color": POINT, "size": 8, "symbol": "diamond"}, customdata=texts,
        hovertemplate="%{x}: %{customdata}<extra>printed in the paper</extra>",
    )  # fmt: skip
    title = "MACs (the paper: FLOPs)" if what == "macs" else "Parameters"
    figure.update_yaxes(type="log", title_text=title, **_powers(counted))
    figure.update_xaxes(type="category")
    return _with_legend(figure, 340)


# --- one axis alone --------------------------------------------------------------------------


def axis_costs(found: Sequence[Alone], name: str) -> go.Figure:
    """How the MACs of B0 grow along one axis, and where each reaches the cost of `name`."""
    figure, base = go.Figure(), spec_for("b0").macs
    for one, colour, dash in zip(found, (LAW, OTHER, POINT), ("solid", "dash", "dot"), strict=True):
        points = curve(one.axis, max(one.factor * 1.1, 1.2))
        figure.add_scatter(
            x=[f for f, _ in points], y=[r for _, r in points], mode="lines",
            name=f"{one.axis} ×{one.factor:.3g}", line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate="×%{x:.2f}: %{y:.1f} times B0<extra>" + one.axis + " alone</extra>",
        )  # fmt: skip
        figure.add_scatter(
            x=[one.factor], y=[one.spec.macs / base], mode="markers", showlegend=False,
            marker={"color": colour, "size": 11}, hoverinfo="skip",
        )  # fmt: skip
    wanted = found[0].target / base
    figure.add_hline(y=wanted, line={"color": THIRD, "dash": "dot"})
    figure.add_annotation(
        xref="paper", x=0.01, y=math.log10(wanted), text=name, showarrow=False, yshift=12
    )  # on a logarithmic axis an annotation is placed by its exponent
    ticks = [1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]
    figure.update_xaxes(type="log", title_text="factor on the one axis", tickvals=ticks, ticktext=[f"×{t}" for t in ticks])  # fmt: skip
    sizes = [2**i for i in range(9)]
    figure.update_yaxes(type="log", title_text="MACs over B0's", tickvals=sizes, ticktext=[f"{t}×" for t in sizes])  # fmt: skip
    return _with_legend(figure, 400)


def paper_one_axis() -> go.Figure:
    """Accuracy of one axis alone and of compound scaling, as the paper printed it (Table 7)."""
    rows = one_axis()[::-1]
    names = {"baseline": "B0", "compound": "all three"}
    labels = [names.get(row.name, f"{row.name} alone") for row in rows]
    figure = go.Figure()
    figure.add_scatter(
        x=[row.top1 for row in rows], y=labels, mode="markers+text", textposition="middle right",
        text=[f" {row.top1:.1f} %" for row in rows], cliponaxis=False,
        customdata=[[row.flops, row.depth, row.width, row.resolution] for row in rows],
        marker={"size": 13, "symbol": "diamond",
                "color": [LAW if row.name == "compound" else POINT for row in rows]},
        hovertemplate="%{y}: %{x} % at %{customdata[0]} FLOPs (depth ×%{customdata[1]}, "
                      "width ×%{customdata[2]}, resolution ×%{customdata[3]})<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title_text="ImageNet top-1", ticksuffix=" %", range=[76.8, 82.2])
    figure.update_yaxes(type="category")
    return layout(figure, 400)
