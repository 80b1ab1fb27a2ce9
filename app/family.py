"""The last part of the Scaling page: the released family in parameters, MACs and accuracy."""

from __future__ import annotations

import streamlit as st

from app.scaled import Constants
from app.tables import show_table
from effnet.architecture.growth import SCALED
from effnet.architecture.published import RECIPES, published, source
from effnet.architecture.variants import spec_for
from effnet.drawing import scaling_charts as charts
from effnet.drawing.numbers import short

NOISY_STUDENT = ("noisy_student", "noisy_student_800px")


def family(now: Constants) -> None:
    """B0 to B7 in parameters, MACs and accuracy, with the sources named."""
    against = st.segmented_control("Accuracy against", ["MACs", "Parameters"], default="MACs", required=True)  # fmt: skip
    figure = charts.family_accuracy("params" if against == "Parameters" else "macs")
    st.plotly_chart(figure, key="accuracy", alt="Accuracy of the family")
    st.markdown(
        "Accuracy belongs to a training, not to an architecture: version 5 of the paper reports "
        "AutoAugment training, version 1 an earlier one. The same network has several figures."
    )
    for what, column in zip(("macs", "params"), st.columns(2, gap="medium"), strict=True):
        with column:
            figure = charts.family_size(what)  # type: ignore[arg-type]
            st.plotly_chart(figure, key=f"size_{what}", alt=f"{what} of the family")
    st.markdown(
        "MACs and parameters are counted by this explorer from the architecture. The paper prints "
        "its own, rounded, and calls multiply-accumulates FLOPs."
    )
    show_table([_accuracies(name) for name in SCALED], "accuracies", "Printed accuracies")
    keys = ("paper_v5", "paper_v1", "torchvision_v1", "official")
    st.caption("Top-1 on ImageNet, percent.  \n" + "  \n".join(f"{s.title}: {s.where}" for s in map(source, keys)))  # fmt: skip


def _accuracies(name: str) -> dict[str, str]:
    row, spec = published(name), spec_for(name)
    cells = {"Network": name.upper(), "MACs, counted": short(spec.macs)}
    cells["FLOPs, printed (v5)"] = row.paper_v5.flops or "–" if row.paper_v5 else "–"
    for title, printed in (
        ("paper v5", row.paper_v5), ("paper v1", row.paper_v1), ("torchvision V1", row.torchvision_v1)
    ):  # fmt: skip
        cells[title] = str(printed.top1) if printed and printed.top1 is not None else "–"
    for keys in (("base",), ("autoaugment",), ("advprop",), NOISY_STUDENT):
        value = next((row.recipes[key] for key in keys if key in row.recipes), None)
        cells[f"official, {RECIPES[keys[0]]}"] = str(value) if value is not None else "–"
    return cells
