"""The whole network, the chosen block, and every shape and cost."""

from __future__ import annotations

import streamlit as st

from app import computing, session
from app.address import not_choices, tell
from app.components.diagram import diagram
from app.doors import show_doors
from app.tables import block_rows, export_menu, layer_rows, show_table, stage_rows
from app.weights import needs_line
from app.widgets import network_map, wait_for_torch
from effnet.drawing.charts import stage_costs
from effnet.drawing.diagram import block_dot, network_dot
from effnet.drawing.numbers import bytes_short, exact, percent, short
from effnet.drawing.words import explain, headline, title

chosen = session.selected()
spec, block = chosen.spec, chosen.spec.block(chosen.block)
cost = spec.cost()

st.title(title(spec))
with st.container(horizontal=True, gap="medium"):
    for name, value, note in (
        ("Parameters", short(cost.params), exact(cost.params)),
        ("MACs", short(cost.macs), f"{exact(cost.macs)} multiply-accumulates for one picture"),
        ("MBConv blocks", str(len(spec.blocks)), "in stages 2 to 8"),
        ("Input", f"{spec.resolution} px", f"width ×{spec.width:.3g}, depth ×{spec.depth:.3g}"),
        ("Activations", bytes_short(cost.activation_bytes), "written for one picture, 32-bit"),
    ):
        st.metric(name, value, help=note, width="content")

st.caption(f"Running it takes {needs_line(spec.config)}.")
show_doors()
st.header("The whole network", anchor="network")
network_map(chosen, key="map")

st.header(f"Block {block.id}: {headline(spec, block)}", anchor="block")
block_drawing = block_dot(spec, block.id)
diagram(
    block_drawing,
    tall=block_dot(spec, block.id, "TB"),
    key="block_diagram",
    label=f"Block {block.id}",
    clickable=[],
    hint="Shapes are channels × height × width; 28² means 28 × 28.",
)

with st.container(horizontal=True, horizontal_alignment="right"):
    export_menu(network_dot(spec, [block.stage]), f"{spec.name}-network", "Export network")
    export_menu(block_drawing, f"{spec.name}-block-{block.id}", "Export block")

words, numbers = st.columns([3, 2], gap="large")
steps = explain(spec, block.id)
with words:
    st.subheader("Step by step")
    for i, step in enumerate(steps, start=1):
        st.markdown(f"**{i}. {step.title}** → `{step.shape}`  \n{step.text}")
with numbers:
    st.subheader("What each step costs")
    costs = [
        {"Step": s.title, "Leaves": s.shape, "Parameters": s.params, "MACs": s.macs} for s in steps
    ]
    show_table(costs, f"{spec.name}-{block.id}-steps", "Cost of each step", download=False)
    last = spec.operations_of(block.id)[-1]
    se = (
        f", SE {percent(block.se_params / block.params)} of the parameters"
        if block.se_params
        else ""
    )
    st.markdown(
        f"Together **{exact(block.params)}** parameters{se}, **{exact(block.macs)}** MACs. "
        f"One value of the output sees **{last.receptive_field} × {last.receptive_field}** pixels of "
        f"the input through the convolutions; neighbours lie {last.total_stride} px apart."
    )

st.header("Tables", anchor="tables")
VIEWS = ("Stages", "Blocks", "Layers of the block", "Layers of the network", "Chart")
tell(*not_choices({"table": VIEWS}))
view = st.segmented_control(
    "Table", VIEWS, default=VIEWS[0], key="table", bind="query-params", required=True,
    label_visibility="collapsed",
)  # fmt: skip
if view == "Chart":
    st.plotly_chart(stage_costs(spec), alt="Parameters, MACs and activation memory by stage")
    st.caption(
        "Early stages hold the memory, late ones the parameters. Activation memory counts what every "
        "operation writes for one picture in 32-bit floats."
    )
elif view == "Blocks":
    show_table(block_rows(spec), f"{spec.name}-blocks", "All MBConv blocks")
elif view in VIEWS[2:4]:
    part = block.id if view == VIEWS[2] else None
    if wait_for_torch():
        rows = layer_rows(computing.layer_table(spec, part))
        show_table(rows, f"{spec.name}-{part or 'network'}-layers", "torchinfo's table")
        st.caption(
            "Measured by torchinfo on a model without memory (PyTorch's meta device). MACs count "
            "convolutions and the linear layer; biases, batch norm and activations are not counted."
        )
else:
    show_table(stage_rows(spec), f"{spec.name}-stages", "Table 1 of the paper for this network")
    st.caption(
        "Stages are numbered 1 to 9 as in Table 1 of Tan and Le (2019). The resolution is the "
        "stage's input; the stride is its first block's."
    )
