"""Rows of the library as tables: sortable, with a CSV beside them; and drawings as files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from effnet.architecture.spec import Spec
from effnet.drawing.layout import engine, render
from effnet.drawing.summary import to_csv

if TYPE_CHECKING:
    from effnet.drawing.summary import Row

Rows = Sequence[dict[str, Any]]
SHARE = "Share"


def show_table(rows: Rows, name: str, alt: str, *, download: bool = True, **more: Any) -> Any:
    """A sortable table of rows of one shape, numbers with separators, `Share` as a bar."""
    frame = pd.DataFrame(rows)
    config: dict[str, Any] = {}
    for column in frame.columns:
        if column == SHARE:
            config[column] = st.column_config.ProgressColumn(
                format="percent", min_value=0, max_value=1
            )
        elif pd.api.types.is_integer_dtype(frame[column]) and column not in ("Stage", "Depth"):
            config[column] = st.column_config.NumberColumn(format="localized")
    more.setdefault("height", "content" if len(rows) <= 24 else 560)
    event = st.dataframe(frame, hide_index=True, column_config=config, alt=alt, **more)
    if download:
        st.download_button(
            "CSV", to_csv(list(rows)), f"{name}.csv", "text/csv", icon=":material/download:",
            key=f"csv_{name}", on_click="ignore",
        )  # fmt: skip
    return event


def stage_rows(spec: Spec) -> Rows:
    """Table 1 of the paper for this network."""
    total = spec.cost()
    return [
        {
            "Stage": row["stage"],
            "Operator": row["operator"],
            "Resolution": f"{row['resolution']} × {row['resolution']}",
            "Channels": row["channels"],
            "Repeats": row["repeats"],
            "Stride": row["stride"],
            "SE channels": ", ".join(map(str, row["se_channels"])) or "–",
            "Parameters": row["params"],
            SHARE: row["params"] / total.params,
            "MACs": row["macs"],
            "Activation bytes": row["activation_bytes"],
        }
        for row in spec.stage_rows()
    ]


def block_rows(spec: Spec) -> Rows:
    """One row a block."""
    return [
        {
            "Block": b.id,
            "Operator": f"{b.kind} {b.kernel}×{b.kernel}",
            "Stride": b.stride,
            "Input": f"{b.in_channels} × {b.in_size}²",
            "Expanded": b.expanded_channels,
            "SE": b.se_channels if b.se_channels is not None else 0,
            "Output": f"{b.out_channels} × {b.out_size}²",
            "Residual": b.residual,
            "Parameters": b.params,
            SHARE: b.params / spec.params,
            "MACs": b.macs,
            "Activation bytes": spec.cost(b.id).activation_bytes,
            "Receptive field": spec.operations_of(b.id)[-1].receptive_field,
        }
        for b in spec.blocks
    ]


def layer_rows(rows: Sequence[Row]) -> Rows:
    """torchinfo's rows under the headings of a page."""
    return [
        {
            "Layer": "\u2003" * row.depth + row.layer.rsplit(".", 1)[-1],
            "Type": row.kind,
            "Input": row.input,
            "Output": row.output,
            "Kernel": row.kernel,
            "Parameters": row.params,
            SHARE: row.share,
            "MACs": row.macs,
            "Path": row.layer,
        }
        for row in rows
    ]


def export_menu(dot: str, name: str, label: str) -> None:
    """The drawing as SVG, PNG or DOT text; SVG and PNG are made when somebody asks for them."""
    with st.popover(label, icon=":material/download:"):
        st.download_button("DOT", dot, f"{name}.dot", "text/vnd.graphviz", on_click="ignore")
        if engine() is None:
            return
        for kind, mime in (("svg", "image/svg+xml"), ("png", "image/png")):
            make = partial(render, dot, kind)  # type: ignore[arg-type]
            st.download_button(kind.upper(), make, f"{name}.{kind}", mime, on_click="ignore")
