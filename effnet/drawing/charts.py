"""plotly figures. Colours come from the app's theme; nothing here is coloured for one mode only."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from effnet.architecture.spec import Spec
from effnet.drawing.numbers import bytes_short, percent, short

FONT = 14


def layout(figure: go.Figure, height: int, **more: Any) -> go.Figure:
    """The margins, font and height that all charts share."""
    figure.update_layout(
        height=height, margin={"l": 8, "r": 8, "t": 28, "b": 8}, showlegend=False,
        font={"size": FONT}, bargap=0.25, **more,
    )  # fmt: skip
    return figure


def stage_costs(spec: Spec) -> go.Figure:
    """Parameters, MACs and activation memory of each stage, as shares of the network."""
    rows = spec.stage_rows()
    total = spec.cost()
    titles = ("Parameters", "MACs", "Activation memory")
    keys = ("params", "macs", "activation_bytes")
    figure = make_subplots(1, 3, subplot_titles=titles, horizontal_spacing=0.06)
    for column, (key, whole) in enumerate(zip(keys, total, strict=True), start=1):
        values = [int(str(row[key])) for row in rows]
        write = bytes_short if key == "activation_bytes" else short
        figure.add_bar(
            x=[f"{row['stage']}" for row in rows],
            y=[100 * v / whole for v in values],
            customdata=[[write(v), percent(v / whole)] for v in values],
            hovertemplate="Stage %{x}: %{customdata[0]} (%{customdata[1]})<extra></extra>",
            row=1,
            col=column,
        )
        figure.update_yaxes(ticksuffix=" %", row=1, col=column, rangemode="tozero")
        figure.update_xaxes(title_text="Stage", type="category", row=1, col=column)
    return layout(figure, 300)
