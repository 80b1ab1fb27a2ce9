"""Where a class finds its evidence, and whether the map can be trusted."""

from __future__ import annotations

import streamlit as st

from app import computing, session
from app.address import not_choices, tell
from app.maps import arrays, enlarge, layer_note, scale_strip, verdict
from app.pictures import pick_picture
from app.running import class_name, job_for, pick_class, show_answer, show_device
from app.text import escaped, refuse
from app.weights import chosen_weights
from app.widgets import network_map, wait_for_torch
from effnet.drawing.map_charts import deletion_curves, raw_grid
from effnet.drawing.overlay import COLOUR_MAPS, overlay
from effnet.errors import EffnetError
from effnet.inspection.images import encode_png
from effnet.weights.labels import labels_of

chosen = session.selected()
st.title("Grad-CAM")
choice = chosen_weights()
held = pick_picture("fashion" if choice.info.preprocessing.grey else "photo")
if not wait_for_torch():
    st.stop()

job = job_for(choice, held)
try:
    seen = computing.run_trace(job)
except EffnetError as error:
    refuse(error)
    st.stop()
show_answer(choice, job, seen)
network_map(chosen, key="map")

LAYERS = ("head", "block")
labels = labels_of(choice.info)
tell(*not_choices({"layer": LAYERS}))
row = st.container(horizontal=True, vertical_alignment="bottom", gap="small")
with row:
    target = pick_class(choice, seen)
    layer = st.segmented_control(
        "Target layer", LAYERS, default=LAYERS[0], key="layer", bind="query-params", required=True,
        help="head is the last convolution, the usual choice; block is the block chosen in the map.",
    )  # fmt: skip
    opacity = st.slider("Opacity", 0.0, 1.0, 0.5, 0.05, width=180)
    palette = st.selectbox("Colours", COLOUR_MAPS, width=140)
    way = st.segmented_control(
        "Cells", ["placed", "stretched"], default="placed", required=True,
        help="placed: each cell stands where its receptive field is centred. stretched: the grid "
        "is stretched over the picture, as most tools do; that shifts heat by up to half a cell.",
    )  # fmt: skip
where = "head" if layer != LAYERS[1] else chosen.block
try:
    cam = computing.run_cam(job, target, where)
except EffnetError as error:
    refuse(error)
    st.stop()
grid, heat = cam.grid[0], (cam.placed if way == "placed" else cam.map)[0]
name = class_name(target, labels)

st.header(
    f"Evidence for “{escaped(name)}” at {'the head' if where == 'head' else 'block ' + where}"
)
st.caption(layer_note(choice.config, where))
if not grid.any():
    st.info(
        "The map is empty: at this layer nothing speaks for this class. Try another layer or class.",
        icon=":material/info:",
    )
over, raw = st.columns(2, gap="large")
picture = overlay(job.ready.pixels, heat, opacity, palette)
with over:
    st.image(enlarge(picture), width="stretch", alt="Heat map over the picture")
    st.image(scale_strip(palette), width="stretch", alt="Colour bar from 0 to the maximum")
    st.caption(f"Left end: 0. Right end: {grid.max():.4g}, the largest value of this map.")
with raw:
    figure = raw_grid(grid, palette)
    st.plotly_chart(figure, theme="streamlit", alt="The raw grid of the map", key="raw")
    st.caption(f"The raw grid: {grid.shape[0]} × {grid.shape[1]} values, before any stretching.")
with st.container(horizontal=True, gap="small"):
    stem = f"gradcam-{chosen.spec.name}-{where}-{target}"
    st.download_button(
        "PNG", encode_png(picture), f"{stem}.png", "image/png", icon=":material/download:",
        on_click="ignore",
    )  # fmt: skip
    st.download_button(
        "Array (NumPy)", arrays(cam), f"{stem}.npz", "application/octet-stream",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip

st.header("Is this map faithful?")
st.markdown(
    "A map that looks right may still be wrong. The check hides the hottest parts of the picture "
    "first (a blur takes their place) and watches the probability of the class. It should fall "
    "faster than when patches are hidden at random."
)
result = computing.deletion_of(job, target, where, way)
if grid.any() and st.button("Check this map", icon=":material/fact_check:", type="primary"):
    bar = st.progress(0.0, "Hiding parts of the picture …")
    try:
        result = computing.run_deletion(job, heat, target, where, way, bar.progress)
    except EffnetError as error:
        refuse(error)
    bar.empty()
if result is not None:
    st.plotly_chart(
        deletion_curves(result.shares, result.hottest, result.coldest, result.random),
        alt="Probability while parts are hidden",
        key="deletion",
    )
    st.markdown(verdict(result, name))
show_device()
