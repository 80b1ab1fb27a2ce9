"""plotly figures of gates, distributions and sweeps.

plotly reads a few HTML tags in text; names of classes and groups are escaped, since people bring them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from effnet.drawing.charts import layout

Array = np.ndarray

MAP_COLUMNS = 480
"""Columns of the map of all gates; blocks with more channels are thinned, with fewer stretched."""


def gate_map(gates: Mapping[str, Array], ordered: bool = False) -> go.Figure:
    """All gates at once: a row a block, a column a channel, every row stretched to one width.

    Args:
        gates: block id -> (C,). ordered: sort each row from closed to open instead of by channel.
    """
    rows, channels = [], []
    for values in gates.values():
        count = len(values)
        pick = np.minimum(np.arange(MAP_COLUMNS) * count // MAP_COLUMNS, count - 1)
        order = np.argsort(values, kind="stable") if ordered else np.arange(count)
        channels.append(order[pick])
        rows.append(np.round(values[order][pick], 3))
    names = list(gates)
    figure = go.Figure(
        go.Heatmap(
            z=rows, y=names, customdata=channels, zmin=0, zmax=1, xgap=0, ygap=1,
            hovertemplate="block %{y}, channel %{customdata}: gate %{z:.3f}<extra></extra>",
            colorbar={"title": "gate", "thickness": 12, "tickvals": [0, 0.5, 1]},
        )
    )  # fmt: skip
    what = "channels, from closed to open" if ordered else "channels, in their order"
    figure.update_xaxes(title_text=what, showticklabels=False, ticks="", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", title_text="block", dtick=1 if len(names) < 30 else None)  # fmt: skip
    return layout(figure, max(240, min(760, 90 + 17 * len(names))))


def gate_bars(gates: Array, mark: int | None = None) -> go.Figure:
    """The gates of one block from open to closed, each bar under its channel number.

    Where the bars are many, some of the numbers are written; hover says each.

    Args:
        gates: (C,). mark: a channel to point at.
    """
    order = np.argsort(-gates, kind="stable")
    figure = go.Figure(
        go.Bar(
            x=np.arange(len(order)), y=np.round(gates[order], 4), customdata=order,
            marker_line_width=0,
            hovertemplate="channel %{customdata}: gate %{y:.3f}<extra></extra>",
        )
    )  # fmt: skip
    if mark is not None:
        at = int(np.flatnonzero(order == mark)[0])
        figure.add_annotation(
            x=at, y=float(gates[mark]), text=f"channel {mark}", showarrow=True, arrowhead=2, ay=-26,
            ax=34 if at < len(order) / 2 else -34,
        )  # fmt: skip
    ticks = np.unique(np.linspace(0, len(order) - 1, 11).astype(int))
    figure.update_xaxes(
        title_text="channel number, the most open first", tickvals=ticks,
        ticktext=[str(c) for c in order[ticks]], tickangle=0, showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(range=[0, 1.12 if mark is not None else 1.02], title_text="gate")
    figure.update_layout(bargap=0 if len(order) > 200 else 0.1)
    return layout(figure, 280)


def values_by_channel(values: Array, mark: int, title: str) -> go.Figure:
    """One value of every channel in the channels' order, one of them pointed out."""
    channels = np.arange(len(values))
    figure = go.Figure(
        go.Scatter(
            x=channels, y=np.round(values, 5), mode="lines", line={"width": 1.2},
            hovertemplate="channel %{x}: %{y:.4f}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_scatter(
        x=[mark], y=[float(values[mark])], mode="markers", marker={"size": 11}, hoverinfo="skip"
    )
    figure.update_xaxes(title_text="channel")
    figure.update_yaxes(title_text=title)
    return layout(figure, 200)


def map_cells(values: Array, low: float, high: float) -> go.Figure:
    """A feature map as coloured cells; small maps show their numbers, larger ones on hover.

    Args:
        values: (h, w). low, high: the ends of the colour scale.
    """
    span, small = high - low or 1.0, len(values) <= 8
    figure = go.Figure(
        go.Heatmap(
            z=np.round(values, 3), zmin=low, zmax=low + span, xgap=int(small), ygap=int(small),
            colorscale="Viridis", showscale=False, hovertemplate="row %{y}, column %{x}: %{z:.3f}<extra></extra>",
        )
    )  # fmt: skip
    if small:
        for (y, x), value in np.ndenumerate(values):
            ink = "#000000" if (value - low) / span > 0.6 else "#ffffff"  # Viridis ends in yellow
            figure.add_annotation(
                x=x, y=y, text=f"{value:.2f}", showarrow=False, font={"color": ink, "size": 12}
            )
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return layout(figure, 320)


def gate_histogram(gates: Array) -> go.Figure:
    """How many channels have which gate."""
    counts, edges = np.histogram(gates, bins=40, range=(0, 1))
    middles = (edges[:-1] + edges[1:]) / 2
    figure = go.Figure(
        go.Bar(x=middles, y=counts, width=1 / 40, marker_line_width=0,
               hovertemplate="gate about %{x:.2f}: %{y} channels<extra></extra>")
    )  # fmt: skip
    figure.update_xaxes(title_text="gate", range=[0, 1])
    figure.update_yaxes(title_text="channels")
    return layout(figure, 280)


def top_bars(
    names: Sequence[str], before: Sequence[float], after: Sequence[float] | None = None
) -> go.Figure:
    """Probabilities of a few classes, the likeliest on top; with `after`, two bars a class."""
    figure = go.Figure()
    labels = [escape(f"{name[:28]}…" if len(name) > 29 else name) for name in names]
    series = [("as it is", before)] + ([("edited", after)] if after is not None else [])
    for title, values in series:
        figure.add_bar(
            y=labels, x=[100 * v for v in values], orientation="h", name=title,
            text=[f"{100 * v:.1f} %" for v in values], textposition="outside", cliponaxis=False,
            hovertemplate="%{y}: %{x:.2f} %<extra>" + title + "</extra>",
        )  # fmt: skip
    # Room for the figure behind a bar of 100 %, where it is legible in light and dark.
    figure.update_xaxes(range=[0, 112], dtick=20, ticksuffix=" %")
    figure.update_yaxes(autorange="reversed", type="category")
    figure = layout(figure, 90 + 34 * len(names) * len(series))
    if after is not None:
        figure.update_layout(
            showlegend=True, legend={"orientation": "h", "y": 1.12}, barmode="group"
        )
    return figure


def sweep_curve(points: Sequence[tuple[float, float]], name: str) -> go.Figure:
    """Probability of the target against the factor k on the gates; k = 1 is the network as it is."""
    figure = go.Figure(
        go.Scatter(
            x=[k for k, _ in points], y=[100 * p for _, p in points], mode="lines+markers",
            hovertemplate="gates × %{x:.2f}: %{y:.1f} %<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(x=1, line_dash="dot", line_color="#8a98a2")
    figure.update_xaxes(title_text="factor k on the gates; 1 is the network as it is")
    figure.update_yaxes(
        title_text=f"probability of {escape(name)}", ticksuffix=" %", rangemode="tozero"
    )
    return layout(figure, 340)


def block_bars(
    blocks: Sequence[str], values: Sequence[float], title: str, unit: str = ""
) -> go.Figure:
    """One bar a block."""
    figure = go.Figure(
        go.Bar(x=list(blocks), y=list(values),
               hovertemplate="block %{x}: %{y:.4g}" + unit + "<extra></extra>")
    )  # fmt: skip
    figure.update_xaxes(title_text="block", type="category")
    figure.update_yaxes(title_text=title, rangemode="tozero")
    return layout(figure, 300)


def gate_scatter(a: Array, b: Array, names: tuple[str, str], marked: Sequence[int]) -> go.Figure:
    """Gate of each channel for one picture against another; a few channels are named."""
    channels = np.arange(len(a))
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot", "color": "#8a98a2"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=a, y=b, mode="markers", customdata=channels, marker={"size": 6, "opacity": 0.65},
        hovertemplate="channel %{customdata}: %{x:.3f} and %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=a[list(marked)], y=b[list(marked)], mode="markers+text", text=[str(c) for c in marked],
        textposition="top center", customdata=list(marked), marker={"size": 9},
        hovertemplate="channel %{customdata}: %{x:.3f} and %{y:.3f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(range=[-0.02, 1.02], title_text=f"gate for {names[0]}")
    figure.update_yaxes(range=[-0.02, 1.02], title_text=f"gate for {names[1]}", scaleanchor="x")
    return layout(figure, 460)


def class_gates(groups: Sequence[str], means: Array, order: Array) -> go.Figure:
    """Mean gate of each channel for each group: the figure of Hu et al. (2018), section 6.4.

    Args:
        means: (groups, C). order: (C,) the channels in the order in which they are drawn.
    """
    figure = go.Figure()
    for name, values in zip(groups, means, strict=True):
        figure.add_scatter(
            x=list(range(len(order))), y=np.round(values[order], 4), mode="lines", name=escape(name),
            customdata=order, line={"width": 1.6},
            hovertemplate="channel %{customdata}: %{y:.3f}<extra>" + escape(name) + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(title_text="channels, from closed to open on average")
    figure.update_yaxes(title_text="mean gate", range=[0, 1])
    figure = layout(figure, 420)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": -0.2})
    return figure


def signed_bars(values: Array, title: str, names: Sequence[str] | None = None) -> go.Figure:
    """A few values around zero."""
    names = list(names) if names is not None else [str(i) for i in range(len(values))]
    figure = go.Figure(
        go.Bar(x=names, y=np.round(values, 5), hovertemplate="%{x}: %{y:.4f}<extra></extra>")
    )
    figure.update_xaxes(type="category", title_text="bottleneck value")
    figure.update_yaxes(title_text=title)
    return layout(figure, 240)


def sigmoid_point(u: float) -> go.Figure:
    """The sigmoid and one value on it."""
    reach = max(6.0, abs(u) + 1)
    x = np.linspace(-reach, reach, 121)
    figure = go.Figure(go.Scatter(x=x, y=1 / (1 + np.exp(-x)), mode="lines", hoverinfo="skip"))
    g = 1 / (1 + np.exp(-u))
    figure.add_scatter(
        x=[u], y=[g], mode="markers+text", text=[f"{g:.3f}"], marker={"size": 12},
        textposition="top left" if u > 0 else "top right", hoverinfo="skip",
    )  # fmt: skip
    figure.update_xaxes(title_text="u")
    figure.update_yaxes(range=[0, 1.15], title_text="gate")
    return layout(figure, 240)


def depth_lines(
    blocks: Sequence[str] | None, lines: Mapping[str, Sequence[float]], title: str
) -> go.Figure:
    """One line a picture, class or network, along the depth.

    Args:
        blocks: names for the axis; None draws the relative depth 0..1, for networks of different
            length.
    """
    figure = go.Figure()
    for name, values in lines.items():
        count = max(len(values) - 1, 1)
        x = list(blocks) if blocks is not None else [i / count for i in range(len(values))]
        figure.add_scatter(
            x=x, y=[round(v, 4) for v in values], mode="lines+markers", name=escape(name),
            hovertemplate="%{x}: %{y:.3f}<extra>" + escape(name) + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(
        title_text="block" if blocks is not None else "depth: first block 0, last block 1",
        type="category" if blocks is not None else "linear",
    )
    figure.update_yaxes(title_text=title, rangemode="tozero")
    figure = layout(figure, 320)
    figure.update_layout(showlegend=True, legend={"orientation": "h", "y": 1.15})
    return figure
