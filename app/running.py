"""What the pages that run a network share: the job, its answer, and what to say when it cannot run."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app import computing, session
from app.maps import enlarge
from app.pictures import Held
from app.text import plain, refuse
from app.weights import Choice
from effnet.drawing.gate_charts import top_bars
from effnet.errors import InspectionError
from effnet.inspection.trace import Trace
from effnet.weights.labels import labels_of

PREDICTED = "predicted"


def job_for(choice: Choice, held: Held) -> computing.Job:
    """The chosen picture, prepared as the chosen weights want it."""
    return computing.make_job(
        choice.name, choice.config, choice.info.preprocessing, held.digest, held.data
    )


def class_name(index: int, labels: tuple[str, ...]) -> str:
    """`tiger cat`, or `class 282` for weights without names; made harmless."""
    return plain(labels[index], 60) if labels else f"class {index}"


def show_answer(choice: Choice, job: computing.Job, seen: Trace, key: str = "top5") -> None:
    """What the network sees, and its five likeliest classes."""
    labels = labels_of(choice.info)
    top = seen.top(5)
    picture, bars = st.columns([1, 2], gap="medium", vertical_alignment="center")
    with picture:
        st.image(enlarge(job.ready.pixels), width=280, alt="The picture as the network sees it")
        st.caption(f"What the network sees: the central square at {job.ready.pixels.shape[0]} px.")
    with bars:
        names = [class_name(i, labels) for i, _ in top]
        figure = top_bars(names, [p for _, p in top])
        st.plotly_chart(figure, alt="The five likeliest classes", key=key)


def pick_class(choice: Choice, seen: Trace) -> int:
    """The class that a map or an edit is about: the predicted one, or any other found by typing."""
    labels = labels_of(choice.info)
    names = [f"{i} {class_name(i, labels)}" for i in range(choice.config.num_classes)]
    wanted = st.selectbox(
        "Class", [PREDICTED, *names], key="class", bind="query-params", width=280,
        help="The predicted class, or any other: type to find it.",
    )  # fmt: skip
    best = seen.top(1)[0][0]
    return names.index(wanted) if wanted in names else best


def show_device() -> None:
    """Where it was computed, and the sentence of a way out that had to be taken."""
    if note := session.get("device_note"):
        st.info(note, icon=":material/memory:")
    try:
        here = computing.device()
    except InspectionError as error:
        refuse(error)
        return
    st.caption(f"Computed on: {here}. Set the environment variable EFFNET_DEVICE to change it.")


def offer_se_network(chosen: session.Selection) -> None:
    """A network without SE: say why, and offer one that has it."""
    lite = chosen.spec.config.lite
    with st.container(border=True):
        st.subheader(f"{chosen.network} has no squeeze-and-excitation")
        why = (
            "EfficientNet-Lite leaves SE out on purpose: many mobile accelerators run its tiny "
            "layers and the sigmoid slowly. Lite also replaces SiLU by ReLU6 and does not scale "
            "the stem and the head."
        )
        st.markdown(why if lite else "This network was built without SE.")
        with st.container(horizontal=True):
            for name, label in (
                ("Mini", "Open Mini (trained, comes with the app)"),
                ("B0", "Open B0"),
            ):
                st.button(label, key=f"offer_{name}", on_click=session.put, args=("net", name))


def normalised_maps(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two maps (h, w) of one channel on one scale, 0..1: the range of the map before the gate."""
    low, high = float(before.min()), float(before.max())
    span = high - low or 1.0
    return (before - low) / span, np.clip((after - low) / span, 0, 1)
