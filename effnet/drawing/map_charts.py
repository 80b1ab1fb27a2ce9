"""plotly figures of heat maps and of their check."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from effnet.drawing.charts import layout

Array = np.ndarray


def raw_grid(grid: Array, colours: str = "Inferno") -> go.Figure:
    """The values (h, w) of a class-activation map, cell by cell; written out where there is room."""
    few = max(grid.shape) <= 12
    figure = go.Figure(
        go.Heatmap(
            z=np.round(grid, 6), colorscale=colours.lower(), zmin=0, zmax=max(float(grid.max()), 1e-12), xgap=1, ygap=1,
            texttemplate="%{z:.2g}" if few else None,
            hovertemplate="row %{y}, column %{x}: %{z:.4g}<extra></extra>",
            colorbar={"thickness": 12},
        )
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", scaleanchor="x", showgrid=False, zeroline=False)
    figure.update_xaxes(constrain="domain", showgrid=False, zeroline=False)
    if few:  # whole cells only
        figure.update_xaxes(dtick=1)
        figure.update_yaxes(dtick=1)
    return layout(figure, 420)


def deletion_curves(
    shares: tuple[float, ...], hottest: Array, coldest: Array, random: Array
) -> go.Figure:
    """Probability of the class against the hidden share of the picture."""
    figure = go.Figure()
    x = [100 * share for share in shares]
    for row in random:
        figure.add_scatter(
            x=x, y=100 * row, mode="lines", opacity=0.35, hoverinfo="skip", showlegend=False,
            line={"color": "#8a98a2", "width": 1},
        )  # fmt: skip
    for name, values, dash in (
        ("random patches, mean", random.mean(0), "dot"),
        ("hottest first", hottest, "solid"),
        ("coldest first", coldest, "dash"),
    ):
        figure.add_scatter(
            x=x, y=100 * values, mode="lines+markers", name=name, line={"dash": dash, "width": 2.5},
            hovertemplate="%{x:.0f} % hidden: %{y:.1f} %<extra>" + name + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="hidden share of the picture", ticksuffix=" %")
    figure.update_yaxes(title_text="probability", ticksuffix=" %", rangemode="tozero")
    figure = layout(figure, 340)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.12})
    return figure
